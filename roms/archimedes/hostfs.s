@ SPDX-License-Identifier: MIT
@
@ HostFS: an extension ROM with a RISC OS module, a filing system whose files are those of a folder of the host. All the
@ work is done by the host card (machines/devices/acorn/host-card.ts): every entry point hands over its registers and
@ strings in the card's memory, rings its bell, and takes back registers and data. Runs in place.
@
@ Built by tools/build-roms.mjs, which adds size, sum and "ExtnROM0" at the end.
@ Documents: [PRM] "Modules", "Writing a filing system", "Expansion cards and extension ROMs"; [5TH].

        .arch   armv2a
        .text

        @ The card, and what is where in its memory
        .equ    CARD,           0x0300d000
        .equ    CARD_REGISTERS, 0x000           @ R0 to R6, both ways
        .equ    CARD_LENGTH,    0x01c           @ bytes of data the answer has
        .equ    CARD_TARGET,    0x020           @ where they go
        .equ    CARD_FIRST,     0x100           @ the string R1 points to
        .equ    CARD_SECOND,    0x500           @ the string R2 points to
        .equ    CARD_ERROR,     0x900           @ error number and text, 256 bytes
        .equ    CARD_DATA,      0x1000
        .equ    CARD_BELL,      -4              @ write: do it; read: 0, or 1 for an error
        .equ    DATA_BYTES,     0x1000
        .equ    STRING_BYTES,   0x400

        @ Entry points, as the bell is told
        .equ    DO_OPEN,        0
        .equ    DO_GET,         1
        .equ    DO_PUT,         2
        .equ    DO_ARGS,        3
        .equ    DO_CLOSE,       4
        .equ    DO_FILE,        5
        .equ    DO_FUNC,        6

        .equ    XOS_Module,     0x2001e
        .equ    XOS_FSControl,  0x20029
        .equ    V_FLAG,         1 << 28
        .equ    Service_FSRedeclare, 0x40
        .equ    ERROR_BYTES,    256

        @ Reasons of FSEntry_Func whose R1 and R2 are strings
        .equ    FUNC_FIRST,     1 << 8 | 1 << 14 | 1 << 15 | 1 << 19 | 1 << 21 | 1 << 24 | 1 << 27 | 1 << 28 | 1 << 30
        .equ    FUNC_SECOND,    1 << 8 | 1 << 23

        @ Information word: extensions of RISC OS 3; load and save by open, get or put, close; 64 files; number 0x99
        .equ    FS_NUMBER,      0x99
        .equ    FS_INFORMATION, 1 << 23 | 1 << 20 | 1 << 19 | 64 << 8 | FS_NUMBER

@ ---------------------------------------------------------------------------------------------------------------------
@ The identity of an expansion card with a chunk directory, as extension ROMs have it

        .globl  _start
_start:
        .byte   0                       @ extended identity
        .byte   3                       @ chunk directory, interrupt pointers
        .byte   0
        .hword  0x0087                  @ product: extension ROM
        .hword  0                       @ manufacturer
        .byte   0
        .word   0, 0                    @ no interrupts
        .word   0x81 | (moduleEnd - module) << 8        @ a RISC OS module
        .word   module - _start
        .word   0, 0                    @ no more

@ ---------------------------------------------------------------------------------------------------------------------

        .word   moduleEnd - module + 4  @ what RISC OS compares the offsets with
module:
        .word   0                       @ not an application
        .word   initialise - module
        .word   finalise - module
        .word   service - module
        .word   title - module
        .word   help - module
        .word   commands - module
        .word   0, 0, 0, 0              @ no SWIs

title:  .asciz  "EmeritusHostFS"
help:   .asciz  "Emeritus HostFS\t1.00 (21 Nov 2026)"
name:   .asciz  "HostFS"
banner: .asciz  "Emeritus HostFS"
        .balign 4

commands:
        .asciz  "HostFS"
        .balign 4
        .word   select - module
        .word   0                       @ no parameters
        .word   syntax - module
        .word   helpSelect - module
        .word   0
helpSelect:
        .asciz  "*HostFS selects the filing system whose files are those of the host's folder.\rSyntax: *HostFS"
syntax: .asciz  "Syntax: *HostFS"
        .balign 4

information:
        .word   name - module
        .word   banner - module
        .word   open - module
        .word   getBytes - module
        .word   putBytes - module
        .word   args - module
        .word   close - module
        .word   file - module
        .word   FS_INFORMATION
        .word   func - module
        .word   0                       @ GBPB of unbuffered files, which there are none of

@ R12 points to the private word, which holds the address of a block for errors.
initialise:
        stmfd   sp!, {r0-r3, lr}
        ldr     r2, [r12]
        cmp     r2, #0
        bne     1f
        mov     r0, #6                  @ claim
        mov     r3, #ERROR_BYTES
        swi     XOS_Module
        bvs     failed
        str     r2, [r12]
1:      bl      declare
        bvs     failed
        ldmfd   sp!, {r0-r3, lr}
        bics    pc, lr, #V_FLAG
failed:
        add     sp, sp, #4
        ldmfd   sp!, {r1-r3, lr}
        orrs    pc, lr, #V_FLAG

declare:
        stmfd   sp!, {r1-r3, lr}
        mov     r0, #12                 @ add a filing system
        adrl    r1, module
        mov     r2, #information - module
        ldr     r3, [r12]
        swi     XOS_FSControl
        ldmfd   sp!, {r1-r3, pc}        @ V as it is

finalise:
        stmfd   sp!, {r0-r3, lr}
        mov     r0, #16                 @ remove a filing system
        adrl    r1, name
        swi     XOS_FSControl
        ldr     r2, [r12]
        mov     r0, #7                  @ free
        cmp     r2, #0
        swine   XOS_Module
        mov     r0, #0
        str     r0, [r12]
        ldmfd   sp!, {r0-r3, lr}
        bics    pc, lr, #V_FLAG

@ FileSwitch has started anew
service:
        teq     r1, #Service_FSRedeclare
        movnes  pc, lr
        stmfd   sp!, {r0, lr}
        bl      declare
        ldmfd   sp!, {r0, pc}^

@ *HostFS
select:
        stmfd   sp!, {lr}
        mov     r0, #14                 @ select a filing system
        adrl    r1, name
        swi     XOS_FSControl
        ldmfd   sp!, {pc}               @ V as it is

@ ---------------------------------------------------------------------------------------------------------------------
@ Entry points; R12 is the address of the block for errors. R0 to R11 and the return address are on the stack.

open:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_OPEN
        b       withName
file:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_FILE
withName:
        ldr     r11, =CARD
        stmia   r11, {r0-r6}
        mov     r0, r1
        add     r1, r11, #CARD_FIRST
        bl      copyString
        b       ring
args:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_ARGS
        ldr     r11, =CARD
        stmia   r11, {r0-r6}
        b       ring
close:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_CLOSE
        ldr     r11, =CARD
        stmia   r11, {r0-r6}
        b       ring
func:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_FUNC
        ldr     r11, =CARD
        stmia   r11, {r0-r6}
        cmp     r0, #31
        bhi     ring
        mov     r5, #1
        mov     r5, r5, lsl r0
        mov     r4, r2
        ldr     r6, =FUNC_FIRST
        tst     r5, r6
        movne   r0, r1
        addne   r1, r11, #CARD_FIRST
        blne    copyString
        ldr     r6, =FUNC_SECOND
        tst     r5, r6
        cmpne   r4, #0
        movne   r0, r4
        addne   r1, r11, #CARD_SECOND
        blne    copyString

ring:
        str     r10, [r11, #CARD_BELL]
        ldr     r0, [r11, #CARD_BELL]
        cmp     r0, #0
        bne     error
        ldr     r2, [r11, #CARD_LENGTH]
        cmp     r2, #0
        addne   r0, r11, #CARD_DATA
        ldrne   r1, [r11, #CARD_TARGET]
        blne    copy
        ldmia   r11, {r0-r6}
        stmia   sp, {r0-r6}
done:
        ldmfd   sp!, {r0-r11, lr}
        bics    pc, lr, #V_FLAG

@ R1 handle, R2 memory, R3 bytes, R4 from where in the file
getBytes:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_GET
        ldr     r11, =CARD
        mov     r8, r3
1:      subs    r9, r8, #DATA_BYTES
        movhi   r3, #DATA_BYTES
        movls   r3, r8
        stmia   r11, {r0-r6}
        str     r10, [r11, #CARD_BELL]
        ldr     r5, [r11, #CARD_BELL]
        cmp     r5, #0
        bne     error
        stmfd   sp!, {r0-r4}
        add     r0, r11, #CARD_DATA
        mov     r1, r2
        mov     r2, r3
        bl      copy
        ldmfd   sp!, {r0-r4}
        add     r2, r2, r3
        add     r4, r4, r3
        subs    r8, r8, r3
        bne     1b
        b       done

@ The same to the file
putBytes:
        stmfd   sp!, {r0-r11, lr}
        mov     r10, #DO_PUT
        ldr     r11, =CARD
        mov     r8, r3
1:      cmp     r8, #DATA_BYTES
        movhi   r3, #DATA_BYTES
        movls   r3, r8
        stmia   r11, {r0-r6}
        stmfd   sp!, {r0-r4}
        mov     r0, r2
        add     r1, r11, #CARD_DATA
        mov     r2, r3
        bl      copy
        ldmfd   sp!, {r0-r4}
        str     r10, [r11, #CARD_BELL]
        ldr     r5, [r11, #CARD_BELL]
        cmp     r5, #0
        bne     error
        add     r2, r2, r3
        add     r4, r4, r3
        subs    r8, r8, r3
        bne     1b
        b       done

@ The card's memory is out of a program's reach: errors are copied.
error:
        add     r0, r11, #CARD_ERROR
        mov     r1, r12
        mov     r2, #ERROR_BYTES
        bl      copy
        str     r12, [sp]               @ R0
        ldmfd   sp!, {r0-r11, lr}
        orrs    pc, lr, #V_FLAG

@ A string that ends with any control character from r0 to r1, ended with a zero; what is too long is not ended.
copyString:
        mov     r2, #STRING_BYTES
1:      ldrb    r3, [r0], #1
        cmp     r3, #' '
        movlo   r3, #0
        strb    r3, [r1], #1
        movlo   pc, lr
        subs    r2, r2, #1
        bne     1b
        mov     pc, lr

@ r2 bytes from r0 to r1; keeps r7 and above
copy:
        orr     r3, r0, r1
        tst     r3, #3
        bne     2f
1:      subs    r2, r2, #16
        ldmhsia r0!, {r3-r6}
        stmhsia r1!, {r3-r6}
        bhs     1b
        adds    r2, r2, #16
2:      subs    r2, r2, #1
        ldrhsb  r3, [r0], #1
        strhsb  r3, [r1], #1
        bhs     2b
        mov     pc, lr

        .ltorg
moduleEnd:
