// SPDX-License-Identifier: MIT

/** The part of the firmware that is written in Forth: whatever calls methods, which may be anybody's Forth. */
export const PRELUDE = `
hex

: noop ;
: perform ( addr -- ) @ execute ;
: expect ( addr len -- ) accept span ! ;
: page c emit ;
: pad ( -- addr ) here 400 + ;

\\ ---- packages and instances

: open-package ( args$ phandle -- ihandle | 0 )
   dup >r (create-instance)
   " open" r@ find-method if ( ihandle xt )
      over ['] call-package catch if 2drop false then
   else
      r@ (opens-bare?)
   then
   r> drop
   0= if (destroy-instance) 0 then ;

: close-package ( ihandle -- )
   dup ihandle>phandle " close" rot find-method if ( ihandle xt )
      over ['] call-package catch if 2drop then
   then
   (destroy-instance) ;

: $open-package ( args$ name$ -- ihandle | 0 )
   find-package if open-package else 2drop 0 then ;

: close-dev ( ihandle -- )
   begin dup while dup (parent-of) swap close-package repeat drop ;

: open-dev ( path$ -- ihandle | 0 )
   2dup (path-length) dup 0= if nip nip exit then
   my-self >r 0 (set-self)
   0 do ( path$ )
      2dup i (path-step) open-package
      dup 0= if
         my-self close-dev unloop r> (set-self) nip nip exit
      then
      (set-self)
   loop
   2drop my-self r> (set-self) ;

: execute-device-method ( ... path$ method$ -- ... false | ... true )
   2swap open-dev dup 0= if 3drop false exit then
   dup >r ['] $call-method catch if 3drop false else true then
   r> close-dev ;

: apply ( ... "method" "device" -- ... )
   parse-word parse-word 2swap execute-device-method 0= abort" failed" ;

: select-dev ( path$ -- )
   open-dev dup 0= abort" can't OPEN that" dup (set-self) ihandle>phandle (set-active) ;
: begin-select-dev select-dev ;
: select ( "path" -- ) parse-word select-dev ;
: unselect-dev ( -- ) my-self close-dev 0 (set-self) device-end ;
: end-select-dev unselect-dev ;

\\ ---- the prompt

: (quit) begin (prompt) (read-line) interpret (ok) again ;

\\ ---- loading and booting

0 value (boot-handle)
0 value load-size

: $load ( device$ -- )
   2dup (set-bootpath)
   open-dev dup 0= abort" can't OPEN" to (boot-handle)
   load-base " load" (boot-handle) ['] $call-method catch
   (boot-handle) close-dev
   ?dup if throw then
   dup to load-size (loaded) ;

\\ Tries each device of the list until one can be loaded from.
: load ( "params<cr>" -- )
   (boot-params) 0 ?do
      i (boot-param) ['] $load catch ?dup 0= if unloop exit then
      i (load-error) 2drop
   loop
   true abort" nothing to boot from" ;

: dload ( "params<cr>" -- ) load ;
: go ( -- ) (go) ;
: boot ( "params<cr>" -- )
   (direct-boot?) if (direct-boot) else load init-program then
   (program?) if go then ;
: $boot ( params$ -- ) (set-boot-text) boot ;

\\ ---- nvramrc

create (nvbuf) 1000 allot
0 value (nvlen)

: (nvadd) ( text$ -- )
   1000 (nvlen) - min tuck (nvbuf) (nvlen) + swap move (nvlen) + to (nvlen) ;

\\ Shows what there is and takes new lines until an empty one; with none, the old text stays.
: nvedit ( -- )
   nvramrc dup to (nvlen) (nvbuf) swap move
   cr (nvbuf) (nvlen) type cr ." New text, ended by an empty line:" cr
   true
   begin ( first? )
      here 200 + dup 1ff accept cr dup
   while
      rot if 0 to (nvlen) then
      (nvadd) " "(0a)" (nvadd)
      false
   repeat
   3drop ;
: nvstore ( -- ) (nvbuf) (nvlen) " nvramrc" $setenv ;
: nvquit ( -- ) 0 to (nvlen) ;
: nvrun ( -- ) (nvbuf) (nvlen) evaluate ;

\\ ---- start

: (start)
   banner
   use-nvramrc? if nvramrc ['] evaluate catch if 2drop ." nvramrc failed" cr then then
   auto-boot? if
      (boot-stopped?) if cr else boot-command ['] evaluate catch ?dup if (report) 2drop then then
   then
   (quit) ;
`;
