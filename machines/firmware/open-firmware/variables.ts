// SPDX-License-Identifier: MIT
//
// Configuration variables (IEEE 1275-1994 section 7.4.4): typed, with defaults, kept in the machine's NVRAM when they
// differ from the default, and shown as properties of /options.
import { type PlainFields, SavedFields } from '../../backplane/device.ts';
import { ForthThrow, THROW } from './errors.ts';
import { TRUE } from './forth/data-space.ts';
import type { Forth } from './forth/forth.ts';
import { latin1, textOf } from './latin1.ts';
import type { VariableStore } from './host.ts';
import { type DeviceTree, type Package, strings } from './tree.ts';

type VariableType = 'flag' | 'number' | 'string' | 'security';

interface Variable {
  readonly type: VariableType;
  readonly initial: string;
}

const MAX_VALUE = 0x1000;

const STANDARD: Readonly<Record<string, Variable>> = {
  'auto-boot?': { type: 'flag', initial: 'true' },
  'boot-command': { type: 'string', initial: 'boot' },
  'boot-device': { type: 'string', initial: 'hd cd' },
  'boot-file': { type: 'string', initial: '' },
  'boot-screen': { type: 'string', initial: '' },
  'boot-script': { type: 'string', initial: '' },
  'default-client-ip': { type: 'string', initial: '' },
  'default-gateway-ip': { type: 'string', initial: '' },
  'default-mac-address?': { type: 'flag', initial: 'false' },
  'default-router-ip': { type: 'string', initial: '' },
  'default-server-ip': { type: 'string', initial: '' },
  'default-subnet-mask': { type: 'string', initial: '' },
  'diag-device': { type: 'string', initial: 'cd' },
  'diag-file': { type: 'string', initial: '' },
  'diag-switch?': { type: 'flag', initial: 'false' },
  'fcode-debug?': { type: 'flag', initial: 'false' },
  'input-device': { type: 'string', initial: 'keyboard' },
  'input-device-1': { type: 'string', initial: 'scca' },
  'little-endian?': { type: 'flag', initial: 'false' },
  'load-base': { type: 'number', initial: '0x800000' },
  'mouse-device': { type: 'string', initial: 'mouse' },
  nvramrc: { type: 'string', initial: '' },
  'oem-banner': { type: 'string', initial: '' },
  'oem-banner?': { type: 'flag', initial: 'false' },
  'oem-logo': { type: 'string', initial: '' },
  'oem-logo?': { type: 'flag', initial: 'false' },
  'output-device': { type: 'string', initial: 'screen' },
  'output-device-1': { type: 'string', initial: 'scca' },
  'pci-probe-mask': { type: 'number', initial: '-1' },
  'ram-size': { type: 'number', initial: '0' },
  'real-base': { type: 'number', initial: '-1' },
  'real-mode?': { type: 'flag', initial: 'true' },
  'real-size': { type: 'number', initial: '-1' },
  'screen-#columns': { type: 'number', initial: '0x64' },
  'screen-#rows': { type: 'number', initial: '0x28' },
  'security-#badlogins': { type: 'number', initial: '0' },
  'security-mode': { type: 'security', initial: 'none' },
  'security-password': { type: 'string', initial: '' },
  'selftest-#megs': { type: 'number', initial: '0' },
  'skip-netboot?': { type: 'flag', initial: 'false' },
  'use-generic?': { type: 'flag', initial: 'false' },
  'use-nvramrc?': { type: 'flag', initial: 'false' },
  'virt-base': { type: 'number', initial: '-1' },
  'virt-size': { type: 'number', initial: '-1' },
};

export class ConfigurationVariables {
  readonly #store: VariableStore;
  readonly #known = new Map<string, Variable>();
  readonly #values = new Map<string, string>();
  readonly #options: Package;

  /** `defaults` are the machine's own in place of the standard ones. */
  constructor(tree: DeviceTree, store: VariableStore, defaults: Readonly<Record<string, string>>) {
    this.#store = store;
    this.#options = tree.ensure(tree.root, 'options');
    for (const [name, variable] of Object.entries(STANDARD)) {
      this.#known.set(name, { type: variable.type, initial: defaults[name] ?? variable.initial });
    }
    for (const [name, value] of Object.entries(store.load())) {
      const variable = this.#known.get(name);
      if (variable !== undefined && parse(variable.type, value) !== undefined) this.#values.set(name, value);
    }
    for (const name of this.#known.keys()) this.#show(name);
  }

  get names(): string[] {
    return [...this.#known.keys()];
  }

  get(name: string): string {
    return this.#values.get(name) ?? this.#known.get(name)?.initial ?? '';
  }

  flag = (name: string): boolean => this.get(name) === 'true';
  number = (name: string): number => parseInt(this.get(name), 16) | 0;

  isDefault = (name: string): boolean => !this.#values.has(name);
  initial = (name: string): string => this.#known.get(name)?.initial ?? '';
  type = (name: string): VariableType | undefined => this.#known.get(name)?.type;

  /** `false` when the value is none for this variable. */
  set(name: string, text: string): boolean {
    const variable = this.#known.get(name);
    if (variable === undefined || text.length > MAX_VALUE) return false;
    const value = parse(variable.type, text);
    if (value === undefined) return false;
    if (value === variable.initial) this.#values.delete(name);
    else this.#values.set(name, value);
    this.#changed(name);
    return true;
  }

  setDefault(name: string): void {
    this.#values.delete(name);
    this.#changed(name);
  }

  save(): PlainFields {
    return Object.fromEntries(this.#values);
  }

  /** The NVRAM itself is restored by its own chip. */
  restore(state: PlainFields): void {
    this.#values.clear();
    for (const name of Object.keys(state))
      this.#values.set(name, new SavedFields('firmware.variables', state).string(name));
  }

  #changed(name: string): void {
    this.#show(name);
    this.#store.store(Object.fromEntries(this.#values));
  }

  #show(name: string): void {
    this.#options.properties.set(name, strings(this.get(name)));
  }
}

/** The value in the form it is kept in. */
function parse(type: VariableType, text: string): string | undefined {
  switch (type) {
    case 'flag':
      return text === 'true' || text === 'false' ? text : undefined;
    case 'number': {
      // Hexadecimal like all numbers at the prompt, with or without 0x.
      const digits = /^(-?)(?:0x)?([0-9a-f]{1,8})$/i.exec(text);
      if (digits === null) return undefined;
      const number = parseInt(digits[2]!, 16);
      return digits[1]! + (number < 10 ? String(number) : `0x${number.toString(16)}`);
    }
    case 'security':
      return ['none', 'command', 'full'].includes(text) ? text : undefined;
    case 'string':
      return text;
  }
}

export function defineVariableWords(f: Forth, variables: ConfigurationVariables): void {
  for (const name of variables.names) {
    f.native(name, (f) => {
      switch (variables.type(name)) {
        case 'flag':
          f.flag(variables.flag(name));
          return;
        case 'number':
          f.push(variables.number(name));
          return;
        default:
          f.pushText(variables.get(name));
      }
    });
  }
  const known = (name: string): string => {
    if (variables.type(name) === undefined) throw new ForthThrow(THROW.undefinedWord, name);
    return name;
  };
  const set = (name: string, value: string): void => {
    if (!variables.set(known(name), value)) throw new ForthThrow(THROW.abortMessage, `Invalid value for ${name}`);
  };
  f.native('printenv', (f) => {
    f.freshLine();
    const wanted = f.parseName().text;
    for (const name of wanted === '' ? variables.names : [known(wanted)]) {
      if (name === 'security-password') continue;
      const value = variables.get(name).replaceAll(/[\r\n]+/g, ' ');
      f.line(`${name.padEnd(24)}${value.padEnd(24)} ${variables.initial(name)}`.trimEnd());
    }
  });
  f.native('setenv', (f) => {
    const name = f.name();
    set(name, textOf(f.parse(0x0a).bytes).trim());
  });
  f.native('$setenv', (f) => {
    f.need(4);
    const name = f.popString();
    set(name, f.popString());
  });
  // ( name$ -- value$ false | true )
  f.native('$getenv', (f) => {
    f.need(2);
    const name = f.popString();
    if (variables.type(name) === undefined) {
      f.push(TRUE);
    } else {
      f.pushText(variables.get(name));
      f.push(0);
    }
  });
  f.native('set-default', (f) => variables.setDefault(known(f.name())));
  f.native('set-defaults', () => {
    for (const name of variables.names) variables.setDefault(name);
  });
  f.native('nvalias', (f) => {
    const name = f.name();
    const path = f.name();
    const kept = variables.get('nvramrc').split('\n');
    const lines = kept.filter((line) => line !== '' && !line.startsWith(`devalias ${name} `));
    lines.push(`devalias ${name} ${path}`);
    set('nvramrc', lines.join('\n'));
    variables.set('use-nvramrc?', 'true');
    f.evaluate(f.memory.scratch, latin1(`devalias ${name} ${path}`));
  });
  f.native('nvunalias', (f) => {
    const name = f.name();
    const lines = variables.get('nvramrc').split('\n');
    set('nvramrc', lines.filter((line) => !line.startsWith(`devalias ${name} `)).join('\n'));
  });
  f.native('nvrecover', (f) => f.type(variables.get('nvramrc')));
}
