import { describe, expect, it } from 'vitest';
import { NodeMachineHost } from '../../frontends/host/node-machine-host.ts';
import { describeMachine } from '../../machines/backplane/describe.ts';
import { MACHINES } from '../../machines/registry.ts';
import { plainConfig } from '../support/machine-config.ts';

describe.each(MACHINES.map((definition) => [definition.name, definition] as const))('%s', (name, definition) => {
  it('is described by its golden text', async () => {
    const machine = definition.build(new NodeMachineHost({ startSeconds: 0 }), plainConfig(definition));
    await expect(describeMachine(definition, machine)).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});
