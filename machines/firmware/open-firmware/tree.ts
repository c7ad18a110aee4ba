// SPDX-License-Identifier: MIT
//
// The device tree: nodes (packages) with properties and methods, and the instances that are open. Handles are numbers a
// guest can give back at any time, so every look-up may fail.
import { type Plain, type PlainFields, SavedFields, SnapshotError } from '../../backplane/device.ts';
import { ForthThrow, THROW } from './errors.ts';
import { CELL } from './forth/data-space.ts';
import type { Forth } from './forth/forth.ts';
import { latin1, textOf } from './latin1.ts';
import type { PropertyValue, TreeNode } from './host.ts';
import { asFields, integers } from './saved.ts';

// Positive as signed numbers: Linux (prom_init) takes no command line from a /chosen that is not.
const PHANDLE_BASE = 0x7e00_0000;
const IHANDLE_BASE = 0x7f00_0000;
const HANDLE_STEP = 0x80;
const MAX_NODES = 8192;
const MAX_INSTANCES = 2048;
const MAX_PROPERTIES = 1024;
export const MAX_PROPERTY_BYTES = 1 << 20;
const MAX_DEPTH = 32;

export interface Package {
  readonly phandle: number;
  readonly parent: Package | undefined;
  readonly children: Package[];
  readonly properties: Map<string, Uint8Array>;
  /** Text after the `@`, or '' for none. */
  unit: string;
  /** Word list of the methods, or -1 while there are none. */
  methods: number;
  /** Initial cells of the data of an instance. */
  readonly template: number[];
}

export interface Instance {
  readonly ihandle: number;
  readonly package: Package;
  readonly parent: number;
  args: string;
  /** Instance data in guest memory, 0 when there is none. */
  data: number;
  /** State of a driver written in the host's language. */
  driver: unknown;
}

export interface DriverState {
  save(instance: Instance): Plain;
  restore(instance: Instance, state: Plain): void;
}

/** One step of a device path. */
export interface PathStep {
  readonly package: Package;
  readonly args: string;
}

export const cells = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * CELL);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(i * CELL, value >>> 0));
  return bytes;
};

export const strings = (...texts: string[]): Uint8Array => latin1(texts.map((text) => `${text}\0`).join(''));

export class DeviceTree {
  readonly root: Package;
  readonly #packages: Package[] = [];
  readonly #instances: (Instance | undefined)[] = [];
  readonly #forth: Forth;
  /** How the state of drivers in the host's language is saved, by their node. */
  readonly drivers = new Map<Package, DriverState>();
  /** The active package, which DEV and FIND-DEVICE select. */
  active: Package | undefined;
  readonly alloc: (bytes: number) => number;
  readonly free: (pa: number) => void;

  constructor(forth: Forth, data: TreeNode, alloc: (bytes: number) => number, free: (pa: number) => void) {
    this.#forth = forth;
    this.alloc = alloc;
    this.free = free;
    const references: (() => void)[] = [];
    this.root = this.#build(data, undefined, references, 0);
    for (const resolve of references) resolve();
    this.root.properties.set('name', strings('device-tree'));
  }

  // ---- packages -----------------------------------------------------------------------------------------------------

  #build(data: TreeNode, parent: Package | undefined, references: (() => void)[], depth: number): Package {
    if (depth > MAX_DEPTH) throw new ForthThrow(THROW.outOfRange);
    const node = this.create(parent, data.name, data.unit);
    for (const [name, value] of Object.entries(data.properties ?? {})) {
      if (typeof value === 'object' && 'phandleOf' in value) {
        node.properties.set(name, cells(0));
        references.push(() => {
          const target = this.find(value.phandleOf);
          if (target === undefined) throw new Error(`device tree: no node ${value.phandleOf}`);
          node.properties.set(name, cells(target.phandle));
        });
      } else {
        node.properties.set(name, encode(value));
      }
    }
    for (const child of data.children ?? []) this.#build(child, node, references, depth + 1);
    return node;
  }

  create(parent: Package | undefined, name: string, unit = ''): Package {
    if (this.#packages.length >= MAX_NODES) throw new ForthThrow(THROW.outOfMemory);
    const node: Package = {
      phandle: PHANDLE_BASE + (this.#packages.length + 1) * HANDLE_STEP,
      parent,
      children: [],
      properties: new Map(),
      unit,
      methods: -1,
      template: [],
    };
    this.#packages.push(node);
    parent?.children.push(node);
    if (name !== '') node.properties.set('name', strings(name));
    return node;
  }

  /** The package below `parent` called `name`, made when there is none. */
  ensure(parent: Package, name: string, unit = ''): Package {
    return parent.children.find((node) => this.#matches(node, name, unit)) ?? this.create(parent, name, unit);
  }

  get packages(): readonly Package[] {
    return this.#packages;
  }

  tryPackage(phandle: number): Package | undefined {
    const index = ((phandle >>> 0) - PHANDLE_BASE) / HANDLE_STEP - 1;
    return Number.isInteger(index) ? this.#packages[index] : undefined;
  }

  package(phandle: number): Package {
    const node = this.tryPackage(phandle);
    if (node === undefined) throw new ForthThrow(THROW.invalidHandle);
    return node;
  }

  /** The active package or, when none is, the one being opened or called. */
  get current(): Package {
    const node = this.active;
    if (node === undefined) throw new ForthThrow(THROW.noActivePackage);
    return node;
  }

  activate(node: Package | undefined): void {
    this.active = node;
    this.#forth.packageList = node === undefined ? -1 : this.methods(node);
  }

  /** The word list of the methods of a package. */
  methods(node: Package): number {
    if (node.methods < 0) node.methods = this.#forth.newList(this.path(node)).id;
    return node.methods;
  }

  method(node: Package, name: string): ReturnType<Forth['findIn']> {
    return node.methods < 0 ? undefined : this.#forth.findIn(node.methods, name);
  }

  name(node: Package): string {
    const name = this.text(node, 'name');
    return node === this.root ? '' : (name ?? '');
  }

  /** First string of a property. */
  text(node: Package, property: string): string | undefined {
    const value = node.properties.get(property);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return textOf(end < 0 ? value : value.subarray(0, end));
  }

  /** Cell `index` of a property. */
  cell(node: Package, property: string, index = 0): number | undefined {
    const value = node.properties.get(property);
    if (value === undefined || value.length < (index + 1) * CELL) return undefined;
    return new DataView(value.buffer, value.byteOffset).getUint32(index * CELL);
  }

  setProperty(node: Package, name: string, value: Uint8Array): void {
    if (value.length > MAX_PROPERTY_BYTES || name.length > 63 || name === '') throw new ForthThrow(THROW.outOfRange);
    if (!node.properties.has(name) && node.properties.size >= MAX_PROPERTIES) throw new ForthThrow(THROW.outOfMemory);
    node.properties.set(name, value);
  }

  component(node: Package): string {
    return node.unit === '' ? this.name(node) : `${this.name(node)}@${node.unit}`;
  }

  path(node: Package): string {
    let path = '';
    for (let at: Package | undefined = node; at !== undefined && at !== this.root; at = at.parent) {
      path = `/${this.component(at)}${path}`;
    }
    return path === '' ? '/' : path;
  }

  #matches(node: Package, name: string, unit: string): boolean {
    const own = this.name(node);
    const sameName = name === '' || own === name || own.slice(own.indexOf(',') + 1) === name;
    return sameName && (unit === '' || normalUnit(unit) === normalUnit(node.unit)) && (name !== '' || unit !== '');
  }

  // ---- device paths -------------------------------------------------------------------------------------------------

  alias(name: string): string | undefined {
    const aliases = this.root.children.find((node) => this.name(node) === 'aliases');
    return aliases === undefined ? undefined : this.text(aliases, name);
  }

  /** The text of a device specifier with a leading alias replaced (1275 4.3.1). */
  expand(specifier: string): string {
    let text = specifier;
    for (let i = 0; i < 8 && text !== '' && !text.startsWith('/'); i++) {
      const end = text.search(/[/:]/);
      const head = end < 0 ? text : text.slice(0, end);
      const value = this.alias(head);
      if (value === undefined) return text;
      text = value + (end < 0 ? '' : text.slice(end));
    }
    return text;
  }

  /** Every package on the way to `specifier`, with its arguments; `undefined` when a step matches nothing. */
  steps(specifier: string): PathStep[] | undefined {
    let rest = this.expand(specifier);
    let node: Package;
    if (rest.startsWith('/')) node = this.root;
    else if (this.active !== undefined) node = this.active;
    else return undefined;
    const steps: PathStep[] = [];
    for (let at: Package | undefined = node.parent; at !== undefined; at = at.parent)
      steps.unshift({ package: at, args: '' });
    steps.push({ package: node, args: '' });
    rest = rest.replace(/^\/+/, '');
    if (rest.startsWith(':')) return [...steps.slice(0, -1), { package: node, args: rest.slice(1) }];
    while (rest !== '') {
      const parts = /^([^@:/]*)(?:@([^:/]*))?/.exec(rest)!;
      const [text, name, unit] = [parts[0], parts[1]!, parts[2] ?? ''];
      if (name === '..' && unit === '') {
        if (node.parent === undefined) return undefined;
        steps.pop();
        node = node.parent;
      } else {
        const child: Package | undefined = node.children.find((child) => this.#matches(child, name, unit));
        if (child === undefined) return undefined;
        node = child;
        steps.push({ package: node, args: '' });
      }
      rest = rest.slice(text.length);
      if (rest.startsWith(':')) {
        // A leaf takes all that follows, file names with slashes in them too.
        const end = node.children.length === 0 ? -1 : rest.indexOf('/');
        steps[steps.length - 1] = { package: node, args: end < 0 ? rest.slice(1) : rest.slice(1, end) };
        rest = end < 0 ? '' : rest.slice(end);
      }
      rest = rest.replace(/^\/+/, '');
    }
    return steps;
  }

  find(specifier: string): Package | undefined {
    return this.steps(specifier)?.at(-1)?.package;
  }

  // ---- snapshot -----------------------------------------------------------------------------------------------------

  save(): PlainFields {
    return {
      packages: this.#packages.map((node) => ({
        parent: node.parent?.phandle ?? 0,
        unit: node.unit,
        methods: node.methods,
        template: node.template.join(','),
        properties: Object.fromEntries(node.properties),
      })),
      active: this.active?.phandle ?? 0,
      instances: this.#instances.map((instance) =>
        instance === undefined
          ? null
          : {
              package: instance.package.phandle,
              parent: instance.parent,
              args: instance.args,
              data: instance.data,
              driver: this.drivers.get(instance.package)?.save(instance) ?? null,
            },
      ),
    };
  }

  restore(state: PlainFields): void {
    const saved = new SavedFields('firmware.tree', state);
    const packages = saved.list('packages', MAX_NODES);
    const instances = saved.list('instances', MAX_INSTANCES);
    // Nodes that every start makes are kept, as drivers hold them; those made since come after them.
    const kept = [...this.#packages];
    for (const node of kept) {
      node.children.length = 0;
      node.properties.clear();
      node.template.length = 0;
    }
    if (packages.length < kept.length) throw new SnapshotError('firmware.tree: nodes are missing');
    this.#packages.length = 0;
    packages.forEach((value, i) => {
      const fields = new SavedFields('firmware.node', asFields(value));
      const parent = this.tryPackage(fields.u32('parent'));
      let node = kept[i];
      if (node === undefined) {
        if (parent === undefined) throw new SnapshotError('firmware.node: no parent');
        node = this.create(parent, '');
      } else {
        if (node.parent !== parent) throw new SnapshotError('firmware.node: another parent');
        this.#packages.push(node);
        parent?.children.push(node);
      }
      node.unit = fields.string('unit');
      node.methods = fields.int('methods', -1, 1 << 20);
      const template = fields.string('template');
      if (template !== '') node.template.push(...integers(template.split(',').map(Number)));
      const properties = fields.fields('properties');
      for (const name of Object.keys(properties)) {
        node.properties.set(name, new SavedFields('firmware.property', properties).bytes(name));
      }
    });
    this.active = this.tryPackage(saved.u32('active'));
    this.#forth.packageList = this.active === undefined ? -1 : this.methods(this.active);
    this.#instances.length = 0;
    instances.forEach((value, i) => {
      if (value === null) {
        this.#instances.push(undefined);
        return;
      }
      const fields = new SavedFields('firmware.instance', asFields(value));
      const node = this.tryPackage(fields.u32('package'));
      if (node === undefined) throw new SnapshotError('firmware.instance: no such node');
      const instance: Instance = {
        ihandle: IHANDLE_BASE + (i + 1) * HANDLE_STEP,
        package: node,
        parent: fields.u32('parent'),
        args: fields.string('args'),
        data: fields.u32('data'),
        driver: undefined,
      };
      this.#instances.push(instance);
      this.drivers.get(node)?.restore(instance, asFields(value)['driver'] ?? null);
    });
  }

  // ---- instances ----------------------------------------------------------------------------------------------------

  createInstance(node: Package, args: string, parent: number): Instance {
    let index = this.#instances.indexOf(undefined);
    if (index < 0) index = this.#instances.length;
    if (index >= MAX_INSTANCES) throw new ForthThrow(THROW.outOfMemory);
    const data = node.template.length === 0 ? 0 : this.alloc(node.template.length * CELL);
    node.template.forEach((value, i) => this.#forth.setCell(data + i * CELL, value));
    const ihandle = IHANDLE_BASE + (index + 1) * HANDLE_STEP;
    const instance: Instance = { ihandle, package: node, parent: parent >>> 0, args, data, driver: undefined };
    this.#instances[index] = instance;
    return instance;
  }

  destroyInstance(ihandle: number): void {
    const instance = this.tryInstance(ihandle);
    if (instance === undefined) return;
    if (instance.data !== 0) this.free(instance.data);
    this.#instances[((ihandle >>> 0) - IHANDLE_BASE) / HANDLE_STEP - 1] = undefined;
  }

  tryInstance(ihandle: number): Instance | undefined {
    const index = ((ihandle >>> 0) - IHANDLE_BASE) / HANDLE_STEP - 1;
    return Number.isInteger(index) ? this.#instances[index] : undefined;
  }

  instance(ihandle: number): Instance {
    const instance = this.tryInstance(ihandle);
    if (instance === undefined) throw new ForthThrow(THROW.invalidHandle);
    return instance;
  }

  get instances(): readonly Instance[] {
    return this.#instances.filter((instance) => instance !== undefined);
  }

  /** The path of an instance, arguments included. */
  instancePath(instance: Instance): string {
    let path = '';
    let at: Instance | undefined = instance;
    for (let depth = 0; at !== undefined && depth < MAX_DEPTH; depth++) {
      if (at.package !== this.root) {
        path = `/${this.component(at.package)}${at.args === '' ? '' : `:${at.args}`}${path}`;
      }
      at = at.parent === 0 ? undefined : this.tryInstance(at.parent);
    }
    return path === '' ? '/' : path;
  }
}

/** Unit addresses are compared without leading zeros, case and a function number 0. */
const normalUnit = (unit: string): string =>
  unit
    .toLowerCase()
    .split(',')
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(',')
    .replace(/,0$/, '');

function encode(value: Exclude<PropertyValue, { readonly phandleOf: string }>): Uint8Array {
  if (value === true) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return strings(value);
  if (typeof value === 'number') return cells(value);
  if (value.every((item) => typeof item === 'string')) return strings(...value);
  return cells(...value.filter((item) => typeof item === 'number'));
}
