// SPDX-License-Identifier: MIT
import type { Command } from 'commander';
import { describeMachine } from '../../machines/backplane/describe.ts';
import { MACHINES } from '../../machines/registry.ts';
import { NodeMachineHost } from '../host/node-machine-host.ts';
import { defaultConfig, findMachine } from './machine-options.ts';

export function addMachinesCommand(program: Command): void {
  program
    .command('machines')
    .description('List the machines and what works on them.')
    .action(() => {
      const width = Math.max(...MACHINES.map(({ name }) => name.length));
      for (const { name, title, year, status } of MACHINES) {
        process.stdout.write(`${name.padEnd(width)}  ${title} (${year}): ${status}\n`);
      }
    });
}

export function addDescribeCommand(program: Command): void {
  program
    .command('describe')
    .description("Print a machine's clocks, memory map and wires.")
    .argument('<machine>', 'a name that "emeritus machines" lists')
    .action((name: string) => {
      const definition = findMachine(name);
      const host = new NodeMachineHost({ startSeconds: 0 });
      process.stdout.write(describeMachine(definition, definition.build(host, defaultConfig(definition))));
    });
}
