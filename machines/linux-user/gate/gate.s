// SPDX-License-Identifier: MIT
//
// The gate page: a prelinked shared object that every program finds at the beginning of region 5. Offsets in the stack
// frame are those of machines/linux-user/process/signal-frame.ts.
//
//   ia64-linux-gnu-as -o gate.o gate.s
//   ia64-linux-gnu-ld -shared -soname=linux-gate.so.1 -T gate.lds --hash-style=sysv -o gate.so gate.o
//   ia64-linux-gnu-strip gate.so      and its loaded bytes as base64 in ../gate.ts

        .text
        .explicit
        .align 64

// System call number in r15, arguments in the caller's output registers, return address in b6.
        .global __kernel_syscall_via_break
        .proc __kernel_syscall_via_break
__kernel_syscall_via_break:
        .prologue
        .altrp b6
        .body
        { .mib
        break.m 0x100000
        nop.i 0
        br.ret.sptk.many b6
        ;;
        }
        .endp __kernel_syscall_via_break

        .align 64
        .global __kernel_syscall_via_epc
        .proc __kernel_syscall_via_epc
__kernel_syscall_via_epc:
        .prologue
        .altrp b6
        .body
        { .mib
        break.m 0x100000
        nop.i 0
        br.ret.sptk.many b6
        ;;
        }
        .endp __kernel_syscall_via_epc

// Signal handlers return to the second bundle; unwinders look at the one before the return address.
SC = 176
        .align 64
        .global __kernel_sigtramp
        .proc __kernel_sigtramp
__kernel_sigtramp:
        .prologue
        .unwabi 3, 's'
        .savesp ar.unat, SC + 96
        .savesp ar.fpsr, SC + 104
        .savesp pr, SC + 128
        .savesp rp, SC + 40
        .savesp ar.pfs, SC + 48
        .vframesp SC + 200 + 96
        .spillsp ar.bsp, SC + 72
        .body
        { .mmi
        nop.m 0
        nop.m 0
        nop.i 0
        ;;
        }
        { .mmi
        mov r15 = 1181
        ;;
        break.m 0x100000
        nop.i 0
        ;;
        }
        .endp __kernel_sigtramp
