// SPDX-License-Identifier: MIT
//
// Time base, real-time clock (601) and decrementer: derived from the ticks that have passed, when somebody looks.
import { elapsed, setTarget } from './code';
import { FEATURE_POWER, PENDING_DECREMENTER } from './constants';
import { postInterrupt } from './interrupts';
import { cpu, run } from './state';

/** The 601's real-time clock counts nanoseconds in steps of 128, and its decrementer with it. */
const RTC_STEP: u64 = 128;
const RTC_SECOND: u64 = 1_000_000_000;

/** Ticks since power-on. */
export function now(): u64 {
  return cpu.ticks + <u64>elapsed();
}

function timebaseTicks(): u64 {
  return now() / <u64>run.ticks_per_timebase;
}

export function timebase(): u64 {
  return timebaseTicks() + cpu.tb_offset;
}

export function setTimebase(value: u64): void {
  cpu.tb_offset = value - timebaseTicks();
}

/** Nanoseconds since the clock was zero. */
function rtc(): u64 {
  return timebaseTicks() * RTC_STEP + cpu.tb_offset;
}

export function rtcUpper(): u32 {
  return <u32>(rtc() / RTC_SECOND);
}

export function rtcLower(): u32 {
  return <u32>(rtc() % RTC_SECOND) & ~0x7f;
}

export function setRtc(seconds: u32, nanoseconds: u32): void {
  cpu.tb_offset = <u64>seconds * RTC_SECOND + <u64>(nanoseconds & 0x3fff_ff80) - timebaseTicks() * RTC_STEP;
}

// @ts-ignore: decorator
@inline
function decrementerStep(): u64 {
  return (run.features & FEATURE_POWER) != 0 ? RTC_STEP : 1;
}

export function decrementer(): u32 {
  return <u32>(cpu.dec_offset - timebaseTicks() * decrementerStep());
}

export function setDecrementer(value: u32): void {
  const old: u32 = decrementer();
  const step: u64 = decrementerStep();
  const ticks: u64 = timebaseTicks();
  cpu.dec_offset = ticks * step + <u64>value;
  cpu.dec_due = (ticks + <u64>value / step + 1) * <u64>run.ticks_per_timebase;
  if ((~old & value) >>> 31 != 0) postInterrupt(PENDING_DECREMENTER);
  const start: u64 = cpu.ticks;
  if (cpu.dec_due < start + <u64>run.target) setTarget(cpu.dec_due > start ? <u32>(cpu.dec_due - start) : 0);
}

/** Latches the decrementer exception if it has passed from 0 to -1. */
export function checkDecrementer(): void {
  const time: u64 = now();
  if (time < cpu.dec_due) return;
  postInterrupt(PENDING_DECREMENTER);
  const period: u64 = ((<u64>1 << 32) / decrementerStep()) * <u64>run.ticks_per_timebase;
  cpu.dec_due += ((time - cpu.dec_due) / period + 1) * period;
}
