// SPDX-License-Identifier: MIT
//
// Buses that hold the CPU until a slow chip has answered. Software counts on it: loops that poll a chip a fixed number
// of times are as long as the accesses are.
import type { BusTarget } from './bus.ts';
import type { ClockDomain, Scheduler } from './scheduler.ts';

/** `target` where each access takes `ns` longer than an instruction. */
export function slowed(target: BusTarget, scheduler: Scheduler, ns: number): BusTarget {
  const ticks = scheduler.ns(ns);
  return held(target, () => scheduler.hold(ticks));
}

/** `target` where each access ends with a cycle of the chip's own clock: it waits for the clock, then half a cycle. */
export function synchronized(target: BusTarget, clock: ClockDomain): BusTarget {
  const half = Math.round(clock.scheduler.masterHz / clock.hz / 2);
  return held(target, () => clock.scheduler.hold(clock.masterTicks(1) + half));
}

function held(target: BusTarget, hold: () => void): BusTarget {
  const { span, access } = target;
  return {
    span,
    access,
    read: (offset, width) => {
      hold();
      return target.read(offset, width);
    },
    write: (offset, width, value) => {
      hold();
      target.write(offset, width, value);
    },
    peek: (offset) => target.peek?.(offset),
  };
}
