@ SPDX-License-Identifier: MIT
@
@ Diagnostic ROM of the Archimedes: tells what processor and how much memory it finds, tests the memory, shows a test
@ card with the state of every key and of the mouse, and beeps. Runs in supervisor mode without interrupts, at physical
@ addresses; uses MEMC, VIDC, IOC and the keyboard only.
@
@ Built by tools/build-roms.mjs; font.inc is made from machines/firmware/font.ts.
@ Documents: [VL86C110], [VL86C310], [VL86C410], [ARC TRM], [ARM2 DS], [ARM3 DS].

        .arch   armv2a
        .text

        @ Physical addresses
        .equ    RAM,            0x02000000
        .equ    IOC,            0x03200000
        .equ    IOEB_ID,        0x03350050
        .equ    VIDC,           0x03400000
        .equ    MEMC_VINIT,     0x03600000
        .equ    MEMC_VSTART,    0x03620000
        .equ    MEMC_VEND,      0x03640000
        .equ    MEMC_CINIT,     0x03660000
        .equ    MEMC_SSTART,    0x03680000
        .equ    MEMC_SENDN,     0x036a0000
        .equ    MEMC_SPTR,      0x036c0000
        .equ    MEMC_CONTROL,   0x036e0000
        .equ    MEMC_CAM,       0x03800000

        @ MEMC control: ROM speeds, refresh in flyback; video DMA; sound DMA
        .equ    MEMC_BASE,      0x0140
        .equ    MEMC_VIDEO,     0x0400
        .equ    MEMC_SOUND,     0x0800

        @ IOC registers
        .equ    KART,           0x04
        .equ    IRQ_STATUS_A,   0x10
        .equ    IRQ_CLEAR_A,    0x14
        .equ    IRQ_MASK_A,     0x18
        .equ    IRQ_STATUS_B,   0x20
        .equ    IRQ_MASK_B,     0x28
        .equ    FIQ_MASK,       0x38
        .equ    TIMER0,         0x40
        .equ    TIMER1,         0x50
        .equ    TIMER3,         0x70
        .equ    T_HIGH,         4
        .equ    T_GO,           8
        .equ    T_LATCH,        12
        .equ    IRQ_FLYBACK,    0x08
        .equ    IRQ_TIMER0,     0x20
        .equ    IRQ_TX_EMPTY,   0x40
        .equ    IRQ_RX_FULL,    0x80

        @ Keyboard protocol
        .equ    HRST,           0xff
        .equ    RAK1,           0xfe
        .equ    RAK2,           0xfd
        .equ    BACK,           0x3f
        .equ    SMAK,           0x33

        @ Use of memory, from RAM
        .equ    WORK,           0x0100          @ variables
        .equ    STACK,          0x1000          @ downwards
        .equ    SPREAD,         0x1000          @ 256 words: 8 pixels of a row of a character
        .equ    SOUND,          0x2000
        .equ    CURSOR,         0x3000
        .equ    SCREEN,         0x8000
        .equ    WIDTH,          640
        .equ    HEIGHT,         480
        .equ    STRIDE,         WIDTH / 2
        .equ    SCREEN_BYTES,   STRIDE * HEIGHT

        @ Variables, from WORK
        .equ    V_RAM_BYTES,    0x00
        .equ    V_BAD,          0x04            @ address of the first bad word, or 0
        .equ    V_CONTROL,      0x08            @ MEMC control
        .equ    V_PROCESSOR,    0x0c            @ 0 ARM2, 1 ARM250, 2 ARM3
        .equ    V_CYCLES,       0x10            @ half microseconds of the timed loop
        .equ    V_UPTIME,       0x14            @ whole seconds since the start
        .equ    V_FRAMES,       0x18            @ since the last whole second
        .equ    V_RATE,         0x1c            @ frames in the last whole second
        .equ    V_SECOND,       0x20            @ hundredths of it gone
        .equ    V_BEEP,         0x24            @ hundredths the beep still lasts
        .equ    V_STATE,        0x28            @ keyboard: 0 none, 1 reset, 2 ready
        .equ    V_FIRST,        0x2c            @ first byte of a pair, or -1
        .equ    V_X,            0x30
        .equ    V_Y,            0x34
        .equ    V_KEY,          0x38            @ last key: number, bit 8 when released; -1 none
        .equ    V_COUNT,        0x3c            @ key transitions
        .equ    V_FOREGROUND,   0x40
        .equ    V_BACKGROUND,   0x44
        .equ    V_BUTTONS,      0x48
        .equ    V_LEDS,         0x4c
        .equ    V_PLACE,        0x50            @ where the memory test's result goes
        .equ    V_DIGITS,       0x54            @ 12 bytes

        @ Colours
        .equ    BLACK,          0
        .equ    RED,            1
        .equ    GREEN,          2
        .equ    YELLOW,         3
        .equ    WHITE,          7
        .equ    DARK,           9
        .equ    GREY,           12

        .macro  put     text, column, row
        adr     r0, 9f
        mov     r1, #\column
        mov     r2, #\row
        bl      print
        b       8f
9:      .asciz  "\text"
        .align  2
8:
        .endm

@ ---------------------------------------------------------------------------------------------------------------------
@ Until something is written to MEMC, this is at 0 too; the exception vectors are used for the instructions a processor
@ may not have.

        .globl  _start
_start:
        b       reset
        b       absent          @ undefined instruction
        b       absent          @ SWI
        b       absent          @ prefetch abort
        b       absent          @ data abort
        b       absent          @ address exception
        b       absent          @ IRQ
        b       absent          @ FIQ

        @ An instruction that is not there does nothing.
absent:
        movs    pc, lr

        .ascii  "Emeritus diagnostic ROM for Archimedes"
        .align  2

reset:
        @ CP15 says what it is: an ARM3. Without it, SWP tells an ARM250 from an ARM2.
        mov     r12, #0
        mov     r9, #0
        mrc     p15, 0, r9, c0, c0, 0
        mov     r0, r9, lsr #24
        cmp     r0, #0x41
        moveq   r12, #2
        beq     known
        ldr     r1, =RAM
        mov     r2, #0x55
        str     r2, [r1]
        mov     r2, #0xaa
        mov     r3, #0
        swp     r3, r2, [r1]
        ldr     r4, [r1]
        cmp     r3, #0x55
        cmpeq   r4, #0xaa
        moveq   r12, #1
known:
        ldr     pc, =high               @ from 0 to the ROM's own address
        .ltorg

high:
        ldr     r0, =MEMC_CONTROL + MEMC_BASE
        str     r0, [r0]

        @ A blue border shows that this is running.
        ldr     r0, =VIDC
        ldr     r1, =0x40000f00
        str     r1, [r0]

        @ Memory repeats after its end, or is not there.
        ldr     r0, =RAM
        mov     r1, #0x12
        mov     r8, #0x80000            @ 512 KiB
size:
        str     r1, [r0]
        add     r2, r0, r8
        mvn     r3, r1
        str     r3, [r2]
        ldr     r4, [r0]
        cmp     r4, r1
        bne     sized
        ldr     r4, [r2]
        cmp     r4, r3
        bne     sized
        cmp     r8, #0x80000
        moveq   r8, #0
        add     r8, r8, #0x100000
        cmp     r8, #0x1000000
        bne     size
sized:
        @ What holds the screen and the variables, before it is used; it starts as zero.
        mov     r7, r0
        add     r1, r0, #0x80000
        bl      testMemory
        mov     r9, r0
        mov     r0, r7
        add     r1, r0, #0x80000
        mov     r2, r0
        mov     r3, #0
        mov     r4, #0
        mov     r5, #0
        mov     r6, #0
clear:
        stmia   r2!, {r3-r6}
        cmp     r2, r1
        blo     clear

        add     sp, r0, #STACK
        mov     r10, r12                @ processor
        add     r12, r0, #WORK
        str     r8, [r12, #V_RAM_BYTES]
        str     r9, [r12, #V_BAD]
        str     r10, [r12, #V_PROCESSOR]
        mvn     r1, #0
        str     r1, [r12, #V_FIRST]
        str     r1, [r12, #V_KEY]

        @ Page size by memory size: 4, 8, 16, 32 KiB; page 0 of memory at 0, for the exception vectors
        mov     r1, #0
        cmp     r8, #0x100000
        movhs   r1, #0x04
        cmp     r8, #0x200000
        movhs   r1, #0x08
        cmp     r8, #0x400000
        movhs   r1, #0x0c
        ldr     r2, =MEMC_CONTROL + MEMC_BASE
        orr     r2, r2, r1
        str     r2, [r2]
        str     r2, [r12, #V_CONTROL]
        ldr     r1, =MEMC_CAM
        str     r1, [r1]
        adr     r1, vectors
        ldmia   r1, {r2-r7}
        stmia   r0!, {r2-r7}
        ldmia   r1, {r2-r3}             @ interrupts have the same instruction
        stmia   r0, {r2-r3}
        adr     r1, handlers
        mov     r0, #0x40
        add     r0, r0, #RAM
        ldmia   r1, {r2-r9}
        stmia   r0, {r2-r9}
        b       screen

        @ At n * 4, load the handler's address from 0x40 + n * 4.
vectors:
        .rept   8
        ldr     pc, [pc, #0x38]
        .endr
handlers:
        .word   _start, undefined, software, prefetch, data, address, interrupt, interrupt
        .ltorg

@ Tests from r0 to r1, in registers alone; returns in r0 the address of the first four words that are bad, or 0.
@ Every other word gets the address of its four, the others its complement; then all are complemented.
testMemory:
        mov     r6, #0
1:      mov     r2, r0
2:      eor     r3, r2, r6
        mvn     r4, r3
        mov     r5, r3
        mov     r10, r4
        stmia   r2!, {r3-r5, r10}
        cmp     r2, r1
        blo     2b
        mov     r2, r0
3:      ldmia   r2, {r3-r5, r10}
        eor     r11, r2, r6
        teq     r3, r11
        teqeq   r5, r11
        mvn     r11, r11
        teqeq   r4, r11
        teqeq   r10, r11
        bne     4f
        add     r2, r2, #16
        cmp     r2, r1
        blo     3b
        mvns    r6, r6
        bne     1b
        mov     r2, #0
4:      mov     r0, r2
        mov     pc, lr

@ ---------------------------------------------------------------------------------------------------------------------
@ Screen

screen:
        @ Each bit of a character's row becomes a pixel of four bits, the highest bit leftmost, which is lowest in memory.
        ldr     r0, =RAM + SPREAD
        mov     r1, #0
spread:
        mov     r2, #0
        mov     r3, #0x80
        mov     r4, #0xf
1:      tst     r1, r3
        orrne   r2, r2, r4
        mov     r4, r4, lsl #4
        movs    r3, r3, lsr #1
        bne     1b
        str     r2, [r0], #4
        add     r1, r1, #1
        cmp     r1, #256
        bne     spread

        ldr     r0, =VIDC
        ldr     r1, =vidcWords
        ldr     r2, =vidcEnd
1:      ldr     r3, [r1], #4
        str     r3, [r0]
        cmp     r1, r2
        bne     1b

        ldr     r0, =MEMC_VINIT + SCREEN / 4
        str     r0, [r0]
        ldr     r0, =MEMC_VSTART + SCREEN / 4
        str     r0, [r0]
        ldr     r0, =MEMC_VEND + (SCREEN + SCREEN_BYTES - 16) / 4
        str     r0, [r0]
        ldr     r0, =MEMC_CINIT + CURSOR / 4
        str     r0, [r0]

        bl      drawGrid
        bl      drawBars
        bl      drawCursor
        mov     r0, #WIDTH / 2
        str     r0, [r12, #V_X]
        mov     r0, #256
        str     r0, [r12, #V_Y]
        bl      placeCursor

        ldr     r0, [r12, #V_CONTROL]
        orr     r0, r0, #MEMC_VIDEO
        str     r0, [r0]
        str     r0, [r12, #V_CONTROL]

        bl      startTimers
        bl      measure

        mov     r0, #WHITE
        mov     r1, #BLACK
        bl      colors
        put     "Emeritus: Archimedes diagnostics", 24, 2

        mov     r0, #GREY
        bl      foreground
        put     "Processor", 8, 9
        put     "Machine", 8, 10
        put     "Memory", 8, 11
        put     "Speed", 8, 12
        put     "Screen", 8, 13
        put     "Running", 8, 14
        put     "Keyboard", 8, 15
        put     "Mouse", 8, 26
        put     "F1 F2 F3: beep left, in the middle, right      Caps Lock: its light", 6, 28

        mov     r0, #WHITE
        bl      foreground
        @ Processor
        ldr     r3, [r12, #V_PROCESSOR]
        ldr     r0, =processors
        ldr     r0, [r0, r3, lsl #2]
        mov     r1, #20
        mov     r2, #9
        bl      print

        @ The models of 1991 and later have IOEB, which gives 5 as its number.
        ldr     r0, =IOEB_ID
        ldrb    r0, [r0]
        and     r0, r0, #15
        cmp     r0, #5
        moveq   r4, #1
        movne   r4, #0
        add     r4, r3, r4, lsl #2
        ldr     r0, =machines
        ldr     r0, [r0, r4, lsl #2]
        mov     r1, #20
        mov     r2, #10
        bl      print

        @ Memory
        ldr     r0, [r12, #V_RAM_BYTES]
        mov     r0, r0, lsr #10
        mov     r1, #20
        mov     r2, #11
        bl      printDecimal
        ldr     r0, =kibibytes
        bl      printOn
        str     r11, [r12, #V_PLACE]
        ldr     r0, =testing
        bl      printOn

        @ Speed
        ldr     r0, =20000
        mov     r1, #20
        mov     r2, #12
        bl      printDecimal
        ldr     r0, =instructions
        bl      printOn
        ldr     r0, [r12, #V_CYCLES]
        mov     r0, r0, lsr #1
        bl      decimalOn
        ldr     r0, =microseconds
        bl      printOn

        @ Screen
        ldr     r0, =resolution
        mov     r1, #20
        mov     r2, #13
        bl      print

        bl      drawKeys
        bl      drawMouse
        mov     r0, #4
        bl      beep

        @ The rest of the memory
        ldr     r1, [r12, #V_RAM_BYTES]
        ldr     r0, =RAM + 0x80000
        add     r1, r1, #RAM
        cmp     r0, r1
        bhs     1f
        bl      testMemory
        ldr     r1, [r12, #V_BAD]
        cmp     r1, #0
        streq   r0, [r12, #V_BAD]
1:      mov     r0, #WHITE
        mov     r1, #BLACK
        bl      colors
        ldr     r11, [r12, #V_PLACE]
        ldr     r4, [r12, #V_BAD]
        cmp     r4, #0
        ldreq   r0, =testedGood
        ldrne   r0, =testedBad
        bl      printOn
        movs    r0, r4
        blne    printHex
        b       loop

processors:
        .word   arm2, arm250, arm3
machines:
        .word   model300, model3000, model540, 0, modelOther, model3010, model5000, 0
arm2:           .asciz  "ARM2"
arm250:         .asciz  "ARM250"
arm3:           .asciz  "ARM3"
model300:       .asciz  "A305 to A440, A3000 (MEMC, VIDC, IOC)"
model3000:      .asciz  "ARM250 without IOEB"
model540:       .asciz  "A540 or ARM3 upgrade (MEMC, VIDC, IOC)"
modelOther:     .asciz  "ARM2 with IOEB"
model3010:      .asciz  "A3010, A3020 or A4000 (with IOEB)"
model5000:      .asciz  "A5000 or A4 (with IOEB)"
kibibytes:      .asciz  " KiB, "
testing:        .asciz  "being tested ..."
testedGood:     .asciz  "every word tested"
testedBad:      .asciz  "BAD at "
instructions:   .asciz  " instructions from ROM in "
microseconds:   .asciz  " us"
resolution:     .asciz  "640 x 480, 16 colours,"
        .align  2
        .ltorg

@ A word of memory that shows 8 pixels; lines every 32 pixels, and a frame around all.
drawGrid:
        ldr     r0, =RAM + SCREEN
        mov     r1, #0                  @ line
        ldr     r4, =0x99999999         @ DARK
        ldr     r5, =0x77777777         @ WHITE
1:      mov     r2, #0                  @ column of 8 pixels
2:      mov     r3, #0
        tst     r2, #3
        moveq   r3, #DARK               @ leftmost pixel
        tst     r1, #31
        moveq   r3, r4
        cmp     r2, #0
        biceq   r3, r3, #0xf
        orreq   r3, r3, #WHITE
        cmp     r2, #WIDTH / 8 - 1
        biceq   r3, r3, #0xf0000000
        orreq   r3, r3, #0x70000000
        cmp     r1, #0
        moveq   r3, r5
        ldr     r6, =HEIGHT - 1
        cmp     r1, r6
        moveq   r3, r5
        str     r3, [r0], #4
        add     r2, r2, #1
        cmp     r2, #WIDTH / 8
        bne     2b
        add     r1, r1, #1
        cmp     r1, #HEIGHT
        bne     1b
        mov     pc, lr

@ The sixteen colours as bars of 32 by 64 pixels
drawBars:
        ldr     r0, =RAM + SCREEN + 64 * STRIDE + 32
        mov     r1, #64
        ldr     r4, =0x11111111
1:      mov     r2, #0
2:      mul     r3, r4, r2
        str     r3, [r0], #4
        str     r3, [r0], #4
        str     r3, [r0], #4
        str     r3, [r0], #4
        add     r2, r2, #1
        cmp     r2, #16
        bne     2b
        add     r0, r0, #STRIDE - 256
        subs    r1, r1, #1
        bne     1b
        mov     pc, lr

@ An arrow 16 lines high, white with a black edge, of two bits a pixel
drawCursor:
        ldr     r0, =RAM + CURSOR
        mov     r1, #0                  @ line
        mov     r5, #0
1:      mov     r2, #0                  @ pixels
        mov     r3, #0                  @ column
2:      cmp     r3, #0
        cmpne   r3, r1
        cmpne   r1, #11
        moveq   r4, #2                  @ edge
        movne   r4, #3
        orr     r2, r2, r4, lsl r5
        add     r5, r5, #2
        add     r3, r3, #1
        cmp     r3, r1
        bls     2b
        mov     r5, #0
        str     r2, [r0], #4
        str     r5, [r0], #4
        add     r1, r1, #1
        cmp     r1, #12
        bne     1b
        mov     pc, lr

@ The cursor's position into VIDC; horizontally from the start of sync, less 6 pixels
placeCursor:
        ldr     r0, =VIDC
        ldr     r1, [r12, #V_X]
        add     r1, r1, #145 - 6        @ pixels before the display
        mov     r1, r1, lsl #13
        orr     r1, r1, #0x98000000
        str     r1, [r0]
        ldr     r1, [r12, #V_Y]
        add     r1, r1, #36             @ lines above the display, less 1
        mov     r2, r1, lsl #14
        orr     r2, r2, #0xb8000000
        str     r2, [r0]
        add     r1, r1, #12
        mov     r2, r1, lsl #14
        orr     r2, r2, #0xbc000000
        str     r2, [r0]
        mov     pc, lr

@ r0 foreground, r1 background: colours of print
colors:
        ldr     r2, =0x11111111
        mul     r3, r2, r1
        str     r3, [r12, #V_BACKGROUND]
foreground:
        ldr     r2, =0x11111111
        mul     r3, r2, r0
        str     r3, [r12, #V_FOREGROUND]
        mov     pc, lr

@ r0 text, r1 column, r2 row; returns in r11 where the next character goes
print:
        mov     r11, #STRIDE
        mul     r11, r2, r11
        mov     r11, r11, lsl #4
        add     r11, r11, r1, lsl #2
        add     r11, r11, #SCREEN
        add     r11, r11, #RAM
@ r0 text, r11 where
printOn:
        stmfd   sp!, {r1-r10, lr}
        ldr     r3, [r12, #V_FOREGROUND]
        ldr     r4, [r12, #V_BACKGROUND]
        ldr     r5, =font
        ldr     r6, =RAM + SPREAD
1:      ldrb    r1, [r0], #1
        subs    r1, r1, #32
        ldmlofd sp!, {r1-r10, pc}
        add     r1, r5, r1, lsl #4
        mov     r2, #16
        mov     r10, r11
2:      ldrb    r7, [r1], #1
        ldr     r7, [r6, r7, lsl #2]
        and     r8, r7, r3
        bic     r9, r4, r7
        orr     r8, r8, r9
        str     r8, [r10], #STRIDE
        subs    r2, r2, #1
        bne     2b
        add     r11, r11, #4
        b       1b

@ r0 number, r1 column, r2 row
printDecimal:
        mov     r11, #STRIDE
        mul     r11, r2, r11
        mov     r11, r11, lsl #4
        add     r11, r11, r1, lsl #2
        add     r11, r11, #SCREEN
        add     r11, r11, #RAM
@ r0 number, r11 where
decimalOn:
        stmfd   sp!, {r1-r4, lr}
        ldr     r1, =powers
        add     r2, r12, #V_DIGITS
1:      ldr     r3, [r1], #4
        mov     r4, #'0'
2:      cmp     r0, r3
        subhs   r0, r0, r3
        addhs   r4, r4, #1
        bhs     2b
        strb    r4, [r2], #1
        cmp     r3, #1
        bne     1b
        mov     r4, #0
        strb    r4, [r2]
        add     r0, r12, #V_DIGITS
3:      ldrb    r3, [r0, #1]            @ without zeros in front
        cmp     r3, #0
        beq     4f
        ldrb    r3, [r0]
        cmp     r3, #'0'
        addeq   r0, r0, #1
        beq     3b
4:
        bl      printOn
        ldmfd   sp!, {r1-r4, pc}

powers: .word   1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1

@ r0 number, r11 where: eight digits
printHex:
        mov     r1, #8
@ r1 digits
hexOn:
        stmfd   sp!, {r1-r4, lr}
        add     r2, r12, #V_DIGITS
        mov     r3, #0
        strb    r3, [r2, r1]
1:      and     r3, r0, #15
        cmp     r3, #10
        addlo   r3, r3, #'0'
        addhs   r3, r3, #'a' - 10
        subs    r1, r1, #1
        strb    r3, [r2, r1]
        mov     r0, r0, lsr #4
        bne     1b
        mov     r0, r2
        bl      printOn
        ldmfd   sp!, {r1-r4, pc}

@ ---------------------------------------------------------------------------------------------------------------------
@ Timers, sound

@ Timer 0 counts hundredths of a second, timer 3 gives the keyboard's 31250 baud.
startTimers:
        ldr     r0, =IOC
        mov     r1, #0
        strb    r1, [r0, #IRQ_MASK_A]
        strb    r1, [r0, #IRQ_MASK_B]
        strb    r1, [r0, #FIQ_MASK]
        mov     r1, #19999 & 0xff
        strb    r1, [r0, #TIMER0]
        mov     r1, #19999 >> 8
        strb    r1, [r0, #TIMER0 + T_HIGH]
        strb    r1, [r0, #TIMER0 + T_GO]
        mov     r1, #1
        strb    r1, [r0, #TIMER3]
        mov     r1, #0
        strb    r1, [r0, #TIMER3 + T_HIGH]
        strb    r1, [r0, #TIMER3 + T_GO]
        mov     r1, #0xff
        strb    r1, [r0, #TIMER1]
        strb    r1, [r0, #TIMER1 + T_HIGH]
        strb    r1, [r0, #IRQ_CLEAR_A]
        mov     pc, lr

@ Times 20,000 instructions by timer 1, which counts down half microseconds.
measure:
        ldr     r0, =IOC
        ldr     r1, =10000
        strb    r1, [r0, #TIMER1 + T_GO]
1:      subs    r1, r1, #1
        bne     1b
        strb    r1, [r0, #TIMER1 + T_LATCH]
        ldrb    r1, [r0, #TIMER1]
        ldrb    r2, [r0, #TIMER1 + T_HIGH]
        orr     r1, r1, r2, lsl #8
        rsb     r1, r1, #0xff
        add     r1, r1, #0xff00
        str     r1, [r12, #V_CYCLES]
        mov     pc, lr

@ r0 stereo position: plays 1000 Hz for a quarter of a second. Samples last 50 us.
beep:
        ldr     r1, =VIDC
        mov     r2, #8
        mov     r3, #0x60000000
1:      orr     r4, r3, r0
        str     r4, [r1]
        add     r3, r3, #0x04000000
        subs    r2, r2, #1
        bne     1b
        mov     r2, #0xc0000000
        orr     r2, r2, #48
        str     r2, [r1]
        ldr     r1, =RAM + SOUND
        mov     r2, #0                  @ 80 samples: 4 waves
        mov     r3, #0xc0
2:      mov     r4, #10
3:      strb    r3, [r1], #1
        subs    r4, r4, #1
        bne     3b
        eor     r3, r3, #1              @ the sign
        add     r2, r2, #1
        cmp     r2, #8
        bne     2b
        ldr     r1, =MEMC_SSTART + SOUND / 4
        str     r1, [r1]
        ldr     r1, =MEMC_SENDN + (SOUND + 64) / 4
        str     r1, [r1]
        ldr     r1, =MEMC_SPTR
        str     r1, [r1]
        ldr     r1, [r12, #V_CONTROL]
        orr     r1, r1, #MEMC_SOUND
        str     r1, [r1]
        str     r1, [r12, #V_CONTROL]
        mov     r1, #25
        str     r1, [r12, #V_BEEP]
        mov     pc, lr

silence:
        ldr     r1, [r12, #V_CONTROL]
        bic     r1, r1, #MEMC_SOUND
        str     r1, [r1]
        str     r1, [r12, #V_CONTROL]
        mov     pc, lr
        .ltorg

@ ---------------------------------------------------------------------------------------------------------------------
@ What happens all the time

loop:
        ldr     r10, =IOC
        ldrb    r0, [r10, #IRQ_STATUS_B]
        tst     r0, #IRQ_RX_FULL
        blne    receive
        ldr     r10, =IOC
        ldrb    r0, [r10, #IRQ_STATUS_A]
        tst     r0, #IRQ_FLYBACK
        blne    frame
        ldr     r10, =IOC
        ldrb    r0, [r10, #IRQ_STATUS_A]
        tst     r0, #IRQ_TIMER0
        blne    centisecond
        b       loop

frame:
        mov     r1, #IRQ_FLYBACK
        strb    r1, [r10, #IRQ_CLEAR_A]
        ldr     r0, [r12, #V_FRAMES]
        add     r0, r0, #1
        str     r0, [r12, #V_FRAMES]
        mov     pc, lr

centisecond:
        stmfd   sp!, {lr}
        mov     r1, #IRQ_TIMER0
        strb    r1, [r10, #IRQ_CLEAR_A]
        ldr     r0, [r12, #V_BEEP]
        subs    r0, r0, #1
        strpl   r0, [r12, #V_BEEP]
        bleq    silence
        ldr     r0, [r12, #V_SECOND]
        add     r0, r0, #1
        cmp     r0, #100
        moveq   r0, #0
        str     r0, [r12, #V_SECOND]
        ldmnefd sp!, {pc}
        @ A whole second
        ldr     r0, [r12, #V_FRAMES]
        mov     r1, #0
        str     r1, [r12, #V_FRAMES]
        str     r0, [r12, #V_RATE]
        mov     r0, #WHITE
        mov     r1, #BLACK
        bl      colors
        ldr     r0, [r12, #V_RATE]
        mov     r1, #43
        mov     r2, #13
        bl      printDecimal
        ldr     r0, =perSecond
        bl      printOn
        ldr     r0, [r12, #V_UPTIME]
        add     r0, r0, #1
        str     r0, [r12, #V_UPTIME]
        mov     r1, #20
        mov     r2, #14
        bl      printDecimal
        ldr     r0, =seconds
        bl      printOn
        ldmfd   sp!, {pc}

perSecond:      .asciz  " Hz "
seconds:        .asciz  " s"
        .align  2

@ ---------------------------------------------------------------------------------------------------------------------
@ Keyboard and mouse

@ r0 byte
send:
        ldr     r1, =IOC
1:      ldrb    r2, [r1, #IRQ_STATUS_B]
        tst     r2, #IRQ_TX_EMPTY
        beq     1b
        strb    r0, [r1, #KART]
        mov     pc, lr

@ The keyboard has sent a byte.
receive:
        stmfd   sp!, {lr}
        ldrb    r0, [r10, #KART]
        cmp     r0, #HRST
        beq     restarted
        cmp     r0, #RAK1
        beq     acknowledge
        cmp     r0, #RAK2
        beq     ready
        ldr     r1, [r12, #V_FIRST]
        cmp     r1, #0
        bpl     second
        str     r0, [r12, #V_FIRST]
        mov     r0, #BACK
        bl      send
        ldmfd   sp!, {pc}

@ The keyboard is asked to reset when it says by itself that it was; its answers HRST, RAK1 and RAK2 get the next.
restarted:
        ldr     r1, [r12, #V_STATE]
        cmp     r1, #1
        mov     r1, #1
        mov     r0, #HRST
        moveq   r0, #RAK1
        b       1f
acknowledge:
        mov     r0, #RAK2
        bl      send
        ldmfd   sp!, {pc}
ready:
        mov     r1, #2
        mov     r0, #SMAK               @ keys and mouse from now on
1:      str     r1, [r12, #V_STATE]
        mvn     r2, #0
        str     r2, [r12, #V_FIRST]
        bl      send
        bl      drawState
        ldmfd   sp!, {pc}

@ r1, r0: both bytes of a key or of a motion
second:
        mvn     r2, #0
        str     r2, [r12, #V_FIRST]
        tst     r1, #0x80
        beq     motion
        and     r2, r1, #15
        and     r3, r0, #15
        orr     r2, r3, r2, lsl #4      @ key number
        and     r1, r1, #0xf0
        cmp     r1, #0xc0               @ KDDA
        moveq   r1, #1
        movne   r1, #0
        bl      key
        b       answered

@ Seven bits of two's complement each; y counts upwards.
motion:
        mov     r1, r1, lsl #25
        mov     r1, r1, asr #25
        mov     r0, r0, lsl #25
        mov     r0, r0, asr #25
        ldr     r2, [r12, #V_X]
        adds    r2, r2, r1
        movmi   r2, #0
        ldr     r3, =WIDTH - 1
        cmp     r2, r3
        movgt   r2, r3
        str     r2, [r12, #V_X]
        ldr     r2, [r12, #V_Y]
        subs    r2, r2, r0
        movmi   r2, #0
        ldr     r3, =HEIGHT - 1
        cmp     r2, r3
        movgt   r2, r3
        str     r2, [r12, #V_Y]
        bl      placeCursor
        bl      drawMouse
answered:
        mov     r0, #SMAK
        bl      send
        ldmfd   sp!, {pc}

@ r2 key number, r1 whether it went down
key:
        stmfd   sp!, {r4, r5, lr}
        mov     r4, r2
        mov     r5, r1
        cmp     r1, #0
        orreq   r2, r2, #0x100
        str     r2, [r12, #V_KEY]
        ldr     r2, [r12, #V_COUNT]
        add     r2, r2, #1
        str     r2, [r12, #V_COUNT]
        mov     r0, r4
        bl      drawKey
        bl      drawState
        @ The mouse's buttons
        sub     r0, r4, #0x70
        cmp     r0, #2
        bhi     1f
        mov     r1, #1
        mov     r1, r1, lsl r0
        ldr     r2, [r12, #V_BUTTONS]
        cmp     r5, #0
        orrne   r2, r2, r1
        biceq   r2, r2, r1
        str     r2, [r12, #V_BUTTONS]
        bl      drawMouse
1:      cmp     r5, #0
        ldmeqfd sp!, {r4, r5, pc}
        mov     r0, #0
        cmp     r4, #0x01               @ F1
        moveq   r0, #1
        cmp     r4, #0x02               @ F2
        moveq   r0, #4
        cmp     r4, #0x03               @ F3
        moveq   r0, #7
        cmp     r0, #0
        blne    beep
        cmp     r4, #0x5d               @ Caps Lock
        ldmnefd sp!, {r4, r5, pc}
        ldr     r0, [r12, #V_LEDS]
        eor     r0, r0, #1
        str     r0, [r12, #V_LEDS]
        bl      send
        ldmfd   sp!, {r4, r5, pc}

@ All keys, as not pressed
drawKeys:
        stmfd   sp!, {r4, r5, lr}
        mov     r4, #0
1:      mov     r0, r4
        mov     r5, #0
        bl      drawKey
        add     r4, r4, #1
        cmp     r4, #0x73
        bne     1b
        bl      drawState
        ldmfd   sp!, {r4, r5, pc}

@ r0 key number, r5 whether it is down: its name in rows of sixteen
drawKey:
        stmfd   sp!, {r4, lr}
        mov     r4, r0
        cmp     r4, #0x73
        ldmhsfd sp!, {r4, pc}
        cmp     r5, #0
        moveq   r0, #GREY
        moveq   r1, #BLACK
        movne   r0, #BLACK
        movne   r1, #YELLOW
        bl      colors
        ldr     r0, =keyNames
        add     r0, r0, r4, lsl #2
        and     r1, r4, #15
        mov     r1, r1, lsl #2
        add     r1, r1, #8
        mov     r2, r4, lsr #4
        add     r2, r2, #17
        bl      print
        ldmfd   sp!, {r4, pc}

@ What the keyboard does, and the last key
drawState:
        stmfd   sp!, {r4, lr}
        mov     r0, #WHITE
        mov     r1, #BLACK
        bl      colors
        ldr     r4, [r12, #V_STATE]
        ldr     r0, =states
        ldr     r0, [r0, r4, lsl #2]
        mov     r1, #20
        mov     r2, #15
        bl      print
        ldr     r4, [r12, #V_KEY]
        cmp     r4, #0
        ldmmifd sp!, {r4, pc}
        ldr     r0, =keyText
        bl      printOn
        mov     r0, r4
        mov     r1, #2
        bl      hexOn
        tst     r4, #0x100
        ldreq   r0, =keyDown
        ldrne   r0, =keyUp
        bl      printOn
        ldr     r0, [r12, #V_COUNT]
        bl      decimalOn
        ldmfd   sp!, {r4, pc}

states:         .word   stateNone, stateReset, stateReady
stateNone:      .asciz  "no answer "
stateReset:     .asciz  "was reset "
stateReady:     .asciz  "ready     "
keyText:        .asciz  "key "
keyDown:        .asciz  " down, change "
keyUp:          .asciz  " up, change   "
        .align  2

drawMouse:
        stmfd   sp!, {r4-r7, lr}
        mov     r0, #WHITE
        mov     r1, #BLACK
        bl      colors
        ldr     r0, =mouseX
        mov     r1, #20
        mov     r2, #26
        bl      print
        ldr     r0, [r12, #V_X]
        bl      decimalOn
        ldr     r0, =mouseY
        bl      printOn
        ldr     r0, [r12, #V_Y]
        bl      decimalOn
        ldr     r0, =blanks
        bl      printOn
        mov     r4, #0
        ldr     r5, [r12, #V_BUTTONS]
        ldr     r6, =buttons
        mov     r7, #40
1:      movs    r5, r5, lsr #1
        movcs   r0, #BLACK
        movcs   r1, #GREEN
        movcc   r0, #GREY
        movcc   r1, #BLACK
        bl      colors
        ldr     r0, [r6], #4
        mov     r1, r7
        mov     r2, #26
        bl      print
        add     r7, r7, #10
        add     r4, r4, #1
        cmp     r4, #3
        bne     1b
        ldmfd   sp!, {r4-r7, pc}

buttons:        .word   select, menu, adjust
mouseX:         .asciz  "x "
mouseY:         .asciz  "  y "
blanks:         .asciz  "    "
select:         .asciz  " Select "
menu:           .asciz  " Menu "
adjust:         .asciz  " Adjust "
        .align  2
        .ltorg

@ ---------------------------------------------------------------------------------------------------------------------
@ Exceptions, which should not happen: say which and where, and stop.

        .macro  stopped name, text
\name:
        adr     r4, 7f
        b       stop
7:      .asciz  "\text"
        .align  2
        .endm

        stopped undefined, "undefined instruction"
        stopped software, "SWI"
        stopped prefetch, "prefetch abort"
        stopped data, "data abort"
        stopped address, "address exception"
        stopped interrupt, "interrupt"

stop:
        mov     r5, lr
        teqp    pc, #0x0c000003         @ supervisor mode, no interrupts
        mov     r0, r0
        ldr     sp, =RAM + STACK
        ldr     r12, =RAM + WORK
        mov     r0, #WHITE
        mov     r1, #RED
        bl      colors
        mov     r0, r4
        mov     r1, #8
        mov     r2, #27
        bl      print
        ldr     r0, =at
        bl      printOn
        bic     r0, r5, #0xfc000003
        bl      printHex
1:      b       1b

at:     .asciz  ", next "
        .align  2
        .ltorg

@ ---------------------------------------------------------------------------------------------------------------------
@ Tables

@ 640 x 480 of 4 bits a pixel at 24 MHz: lines of 800 pixels, frames of 525 lines; a border of 8 pixels and 6 lines
vidcWords:
        .word   0x00000000, 0x0400000f, 0x080000f0, 0x0c0000ff, 0x10000f00, 0x14000f0f, 0x18000ff0, 0x1c000fff
        .word   0x20000222, 0x24000444, 0x28000666, 0x2c000888, 0x30000aaa, 0x34000ccc, 0x3800008f, 0x3c000f80
        .word   0x40000660                      @ border
        .word   0x4400000f, 0x48000000, 0x4c000fff      @ cursor
        .word   0x80000000 | 399 << 14          @ HCR
        .word   0x84000000 | 47 << 14           @ HSWR
        .word   0x88000000 | 68 << 14           @ HBSR
        .word   0x8c000000 | 69 << 14           @ HDSR
        .word   0x90000000 | 389 << 14          @ HDER
        .word   0x94000000 | 396 << 14          @ HBER
        .word   0x9c000000 | 200 << 14          @ HIR
        .word   0xa0000000 | 524 << 14          @ VCR
        .word   0xa4000000 | 1 << 14            @ VSWR
        .word   0xa8000000 | 30 << 14           @ VBSR
        .word   0xac000000 | 36 << 14           @ VDSR
        .word   0xb0000000 | 516 << 14          @ VDER
        .word   0xb4000000 | 522 << 14          @ VBER
        .word   0xe000003b                      @ control: 24 MHz, 4 bits
vidcEnd:

@ Three letters and a zero for each key, by number
        .macro  names   list:vararg
        .irp    name, \list
        .ascii  "\name"
        .byte   0
        .endr
        .endm

keyNames:
        names   "Esc", "F1 ", "F2 ", "F3 ", "F4 ", "F5 ", "F6 ", "F7 ", "F8 ", "F9 ", "F10", "F11", "F12", "Prt", "Scr", "Brk"
        names   " ` ", " 1 ", " 2 ", " 3 ", " 4 ", " 5 ", " 6 ", " 7 ", " 8 ", " 9 ", " 0 ", " - ", " = ", "Pnd", "<- ", "Ins"
        names   "Hom", "PgU", "Num", "n/ ", "n* ", "n# ", "Tab", " Q ", " W ", " E ", " R ", " T ", " Y ", " U ", " I ", " O "
        names   " P ", " [ ", " ] ", "Bsl", "Del", "Cpy", "PgD", "n7 ", "n8 ", "n9 ", "n- ", "LCt", " A ", " S ", " D ", " F "
        names   " G ", " H ", " J ", " K ", " L ", " ; ", " ' ", "Ret", "n4 ", "n5 ", "n6 ", "n+ ", "LSh", "   ", " Z ", " X "
        names   " C ", " V ", " B ", " N ", " M ", "com", " . ", " / ", "RSh", "Up ", "n1 ", "n2 ", "n3 ", "Cap", "LAl", "Spc"
        names   "RAl", "RCt", "Lft", "Dwn", "Rgt", "n0 ", "n. ", "nEn", "   ", "   ", "   ", "   ", "   ", "   ", "   ", "   "
        names   "Sel", "Mnu", "Adj"
        .align  2

@ 16 bytes for each character from 32 on, the leftmost pixel highest
font:
        .include "font.inc"
        .align  2
