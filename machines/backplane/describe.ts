// SPDX-License-Identifier: MIT
import type { Machine, MachineDefinition } from './machine.ts';
import { describeTarget, hex } from './memory-map.ts';

/** What `emeritus describe` prints: clocks, the flat memory map of each address space, devices and wires. */
export function describeMachine(definition: MachineDefinition, machine: Machine): string {
  const { board } = machine;
  const lines = [`${definition.name}  ${definition.title} (${definition.year})`, `status: ${definition.status}`, ''];

  lines.push('clocks');
  lines.push(`  ${'cpu'.padEnd(12)} ${mhz(board.scheduler.masterHz)} million instruction slots/s`);
  for (const clock of board.clocks) lines.push(`  ${clock.name.padEnd(12)} ${mhz(clock.hz)} MHz`);

  lines.push('', 'options');
  lines.push(`  ${'ram'.padEnd(12)} ${bytes(definition.ram.min)} to ${bytes(definition.ram.max)}`);
  for (const [name, option] of Object.entries(definition.options)) {
    lines.push(`  ${name.padEnd(12)} ${option.values.join(' | ')} (${option.initial}): ${option.title}`);
  }

  for (const map of board.maps) {
    lines.push('', `map ${map.name}`);
    for (const { first, last, target } of map.flat) {
      lines.push(`  ${hex(first)}-${hex(last)}  ${bytes(last - first + 1).padStart(9)}  ${describeTarget(target)}`);
    }
  }

  lines.push('', 'wires');
  const width = Math.max(0, ...board.connections.map(({ source }) => source.length));
  for (const { source, sink, note } of board.connections) {
    lines.push(`  ${source.padEnd(width)}  → ${sink}${note === '' ? '' : `  ${note}`}`);
  }

  lines.push('', 'devices');
  for (const id of board.devices.keys()) lines.push(`  ${id}`);
  return lines.join('\n') + '\n';
}

const mhz = (hz: number): string => (hz / 1e6).toFixed(6).replace(/0+$/, '').replace(/\.$/, '');

const bytes = (count: number): string => {
  if (count % (1 << 20) === 0) return `${count / (1 << 20)} MiB`;
  if (count % 1024 === 0) return `${count / 1024} KiB`;
  return `${count} B`;
};
