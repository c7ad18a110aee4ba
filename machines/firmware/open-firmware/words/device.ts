// SPDX-License-Identifier: MIT
//
// Device-tree words: packages, properties, instances and methods (IEEE 1275-1994 section 5.3 and 7.4.11).
import { ForthThrow, THROW } from '../errors.ts';
import { CELL, FALSE, TRUE } from '../forth/data-space.ts';
import type { Forth } from '../forth/forth.ts';
import { textOf } from '../latin1.ts';
import type { DeviceTree, Package } from '../tree.ts';
import { cells, strings } from '../tree.ts';

const MAX_INSTANCE_CELLS = 1 << 14;

export function defineDeviceWords(f: Forth, tree: DeviceTree): void {
  f.instanceData = () => {
    const instance = tree.tryInstance(f.task.mySelf);
    return instance?.data ?? 0;
  };
  f.allocInstance = (bytes, initial) => {
    const { template } = tree.current;
    const offset = template.length * CELL;
    const count = Math.ceil(bytes / CELL);
    if (template.length + count > MAX_INSTANCE_CELLS) throw new ForthThrow(THROW.dictionaryOverflow);
    for (let i = 0; i < count; i++) template.push(initial);
    return offset;
  };
  navigationWords(f, tree);
  propertyWords(f, tree);
  instanceWords(f, tree);
  displayWords(f, tree);
}

function lookup(tree: DeviceTree, path: string): Package {
  const node = tree.find(path);
  if (node === undefined) throw new ForthThrow(THROW.abortMessage, `no such device: ${path}`);
  return node;
}

function navigationWords(f: Forth, tree: DeviceTree): void {
  f.native('find-device', (f) => {
    f.need(2);
    tree.activate(lookup(tree, f.popString()));
  });
  f.native('dev', (f) => tree.activate(lookup(tree, f.name())));
  f.native('cd', (f) => tree.activate(lookup(tree, f.name())));
  f.native('device-end', () => tree.activate(undefined));
  f.native('root-device', () => tree.activate(tree.root));
  f.native('active-package', (f) => f.push(tree.active?.phandle ?? 0));
  f.native('(set-active)', (f) => tree.activate(tree.tryPackage(f.pop())));
  f.native('pwd', (f) => {
    f.freshLine();
    f.line(tree.path(tree.current));
  });
  f.native('find-package', (f) => {
    f.need(2);
    // A bare name is a support package.
    const name = f.popString();
    const packages = tree.find('/packages');
    const support = name.startsWith('/')
      ? undefined
      : packages?.children.find((node) => tree.name(node) === name && node.unit === '');
    const node = support ?? tree.find(name);
    if (node !== undefined) f.push(node.phandle);
    f.flag(node !== undefined);
  });
  f.native('peer', (f) => f.push(peer(tree, f.pop())));
  f.native('child', (f) => f.push(tree.package(f.pop()).children[0]?.phandle ?? 0));
  f.native('parent', (f) => f.push(tree.package(f.pop()).parent?.phandle ?? 0));
  f.native('new-device', (f) => {
    const parent = tree.active ?? tree.tryInstance(f.task.mySelf)?.package;
    if (parent === undefined) throw new ForthThrow(THROW.noActivePackage);
    const node = tree.create(parent, '');
    tree.activate(node);
    f.task.mySelf = tree.createInstance(node, '', f.task.mySelf).ihandle;
  });
  f.native('finish-device', (f) => {
    const node = tree.current;
    const instance = tree.tryInstance(f.task.mySelf);
    if (instance?.package === node) {
      f.task.mySelf = instance.parent;
      tree.destroyInstance(instance.ihandle);
    }
    tree.activate(node.parent);
  });
  f.native('set-args', (f) => {
    f.need(4);
    const unit = f.popString();
    const args = f.popString();
    const instance = tree.tryInstance(f.task.mySelf);
    if (instance !== undefined) instance.args = args;
    tree.current.unit = unit;
  });
}

/** Next sibling, 0 after the last; of 0 the root. Finds the place again each time, as nodes may come and go. */
export function peer(tree: DeviceTree, phandle: number): number {
  if (phandle === 0) return tree.root.phandle;
  const node = tree.package(phandle);
  const siblings = node.parent?.children ?? [];
  return siblings[siblings.indexOf(node) + 1]?.phandle ?? 0;
}

function propertyWords(f: Forth, tree: DeviceTree): void {
  const put = (f: Forth, bytes: Uint8Array): void => {
    const pa = f.here;
    f.allot(bytes.length);
    f.setBytes(pa, bytes);
    f.push(pa);
    f.push(bytes.length);
  };
  f.native('encode-int', (f) => put(f, cells(f.pop())));
  f.native('encode-string', (f) => {
    f.need(2);
    put(f, strings(f.popString()));
  });
  f.native('encode-bytes', (f) => {
    f.need(2);
    const length = f.popU();
    put(f, f.bytes(f.popU(), length));
  });
  f.native('encode-phys', (f) => {
    const count = addressCells(tree, tree.current.parent);
    f.need(count);
    const values = Array.from({ length: count }, () => f.pop());
    put(f, cells(...values));
  });
  f.native('encode+', (f) => {
    f.need(4);
    const length2 = f.popU();
    const pa2 = f.popU();
    const length1 = f.popU();
    const pa1 = f.popU();
    if (pa1 + length1 === pa2) {
      f.push(pa1);
      f.push(length1 + length2);
    } else {
      put(f, Uint8Array.from([...f.bytes(pa1, length1), ...f.bytes(pa2, length2)]));
    }
  });
  const decodeTail = (f: Forth, bytes: number): number => {
    f.need(2);
    const length = f.popU();
    const pa = f.popU();
    if (bytes > length) throw new ForthThrow(THROW.outOfRange);
    f.push(pa + bytes);
    f.push(length - bytes);
    return pa;
  };
  f.native('decode-int', (f) => {
    const pa = decodeTail(f, CELL);
    f.push(f.cell(pa));
  });
  f.native('decode-string', (f) => {
    f.need(2);
    const length = f.peek(0) >>> 0;
    const end = f.bytes(f.peek(1), length).indexOf(0);
    const pa = decodeTail(f, end < 0 ? length : end + 1);
    f.push(pa);
    f.push(end < 0 ? length : end);
  });
  f.native('decode-bytes', (f) => {
    f.need(3);
    const count = f.popU();
    const pa = decodeTail(f, count);
    f.push(pa);
    f.push(count);
  });
  f.native('decode-phys', (f) => {
    const count = addressCells(tree, tree.current.parent);
    const pa = decodeTail(f, count * CELL);
    for (let i = count - 1; i >= 0; i--) f.push(f.cell(pa + i * CELL));
  });

  const own = (f: Forth): Package => {
    const node = tree.active ?? tree.tryInstance(f.task.mySelf)?.package;
    if (node === undefined) throw new ForthThrow(THROW.noActivePackage);
    return node;
  };
  f.native('property', (f) => {
    f.need(4);
    const name = f.popString();
    const length = f.popU();
    const pa = f.popU();
    tree.setProperty(own(f), name, f.bytes(pa, length));
    // The encoding was the last thing in the dictionary: its room is free again.
    if (pa + length === f.here && pa >= f.memory.data) f.here = pa;
  });
  f.native('delete-property', (f) => {
    f.need(2);
    own(f).properties.delete(f.popString());
  });
  const shorthand = (name: string, property: string): void => {
    f.native(name, (f) => {
      f.need(2);
      tree.setProperty(own(f), property, strings(f.popString()));
    });
  };
  shorthand('device-name', 'name');
  shorthand('name', 'name');
  shorthand('device-type', 'device_type');
  shorthand('model', 'model');
  f.native('reg', (f) => {
    const node = own(f);
    const count = addressCells(tree, node.parent);
    f.need(count + 1);
    const size = f.pop();
    const phys = Array.from({ length: count }, () => f.pop());
    tree.setProperty(node, 'reg', cells(...phys, size));
    if (node.unit === '') node.unit = phys.map((cell) => (cell >>> 0).toString(16)).join(',');
  });

  // ( name$ … -- true | value$ false )
  const give = (f: Forth, value: Uint8Array | undefined): void => {
    if (value === undefined) {
      f.push(TRUE);
      return;
    }
    f.push(f.transient(value));
    f.push(value.length);
    f.push(FALSE);
  };
  f.native('get-package-property', (f) => {
    f.need(3);
    const node = tree.package(f.pop());
    give(f, node.properties.get(f.popString()));
  });
  f.native('get-property', (f) => give(f, tree.current.properties.get(f.popString())));
  f.native('get-my-property', (f) => {
    f.need(2);
    give(f, tree.instance(f.task.mySelf).package.properties.get(f.popString()));
  });
  f.native('get-inherited-property', (f) => {
    f.need(2);
    const name = f.popString();
    let node: Package | undefined = tree.instance(f.task.mySelf).package;
    while (node !== undefined && !node.properties.has(name)) node = node.parent;
    give(f, node?.properties.get(name));
  });
  // ( previous$ phandle -- false | name$ true )
  f.native('next-property', (f) => {
    f.need(3);
    const node = tree.package(f.pop());
    const next = nextProperty(node, f.popString());
    if (next !== undefined) f.pushText(next);
    f.flag(next !== undefined);
  });
}

/** Property after `previous`; the first for ''. */
export function nextProperty(node: Package, previous: string): string | undefined {
  const names = [...node.properties.keys()];
  if (previous === '') return names[0];
  const at = names.indexOf(previous);
  return at < 0 ? undefined : names[at + 1];
}

/** #address-cells that the children of `node` use. */
export const addressCells = (tree: DeviceTree, node: Package | undefined): number =>
  Math.min(node === undefined ? 2 : (tree.cell(node, '#address-cells') ?? 2), 8);

function instanceWords(f: Forth, tree: DeviceTree): void {
  f.native('my-self', (f) => f.push(f.task.mySelf));
  f.native('(set-self)', (f) => (f.task.mySelf = f.pop()));
  f.native('my-parent', (f) => f.push(tree.instance(f.task.mySelf).parent));
  f.native('my-args', (f) => f.pushText(tree.instance(f.task.mySelf).args));
  f.native('my-unit', (f) => {
    const { package: node } = tree.instance(f.task.mySelf);
    for (let i = addressCells(tree, node.parent) - 1; i >= 0; i--) f.push(tree.cell(node, 'reg', i) ?? 0);
  });
  f.native('my-address', (f) => f.push(tree.cell(tree.instance(f.task.mySelf).package, 'reg', 1) ?? 0));
  f.native('my-space', (f) => f.push(tree.cell(tree.instance(f.task.mySelf).package, 'reg', 0) ?? 0));
  for (const name of ['ihandle>phandle', 'ihandle>non-interposed-phandle']) {
    f.native(name, (f) => f.push(tree.instance(f.pop()).package.phandle));
  }
  // ( args$ phandle -- ihandle )
  f.native('(create-instance)', (f) => {
    f.need(3);
    const node = tree.package(f.pop());
    f.push(tree.createInstance(node, f.popString(), f.task.mySelf).ihandle);
  });
  f.native('(destroy-instance)', (f) => tree.destroyInstance(f.pop()));
  f.native('(parent-of)', (f) => f.push(tree.tryInstance(f.pop())?.parent ?? 0));
  // A bus needs no open method of its own; a leaf without one cannot be opened.
  f.native('(opens-bare?)', (f) => f.flag(tree.package(f.pop()).children.length > 0));
  // ( path$ -- n ): how many packages are on the way; 0 when a step matches nothing.
  f.native('(path-length)', (f) => f.push(tree.steps(f.popString())?.length ?? 0));
  // ( path$ i -- args$ phandle )
  f.native('(path-step)', (f) => {
    const index = f.pop();
    const step = tree.steps(f.popString())?.[index];
    if (step === undefined) throw new ForthThrow(THROW.noDevice);
    f.pushText(step.args);
    f.push(step.package.phandle);
  });
  f.native('find-method', (f) => {
    f.need(3);
    const node = tree.package(f.pop());
    const word = tree.method(node, f.popString());
    if (word !== undefined) f.push(f.xt(word));
    f.flag(word !== undefined);
  });
  f.native('call-package', (f) => {
    f.need(2);
    const ihandle = f.pop();
    tree.instance(ihandle);
    f.executeWith(ihandle, f.wordOf(f.pop()));
  });
  const callMethod = (f: Forth, ihandle: number): void => {
    const name = f.popString();
    const word = tree.method(tree.instance(ihandle).package, name);
    if (word === undefined) throw new ForthThrow(THROW.noMethod, name);
    f.executeWith(ihandle, word);
  };
  f.native('$call-method', (f) => {
    f.need(3);
    callMethod(f, f.pop());
  });
  f.native('$call-parent', (f) => {
    f.need(2);
    callMethod(f, tree.instance(f.task.mySelf).parent);
  });
}

function displayWords(f: Forth, tree: DeviceTree): void {
  f.native('ls', (f) => {
    f.freshLine();
    const node = tree.active ?? tree.root;
    for (const child of node.children) f.line(`${child.phandle.toString(16)}: /${tree.component(child)}`);
  });
  f.native('show-devs', (f) => {
    f.freshLine();
    const walk = (node: Package): void => {
      f.line(`${node.phandle.toString(16)}: ${tree.path(node)}`);
      for (const child of node.children) walk(child);
    };
    walk(tree.active ?? tree.root);
  });
  f.native('.properties', (f) => {
    f.freshLine();
    for (const [name, value] of (tree.active ?? tree.root).properties) property(f, name, value);
  });
  f.native('.instances', (f) => {
    f.freshLine();
    for (const instance of tree.instances) f.line(`${instance.ihandle.toString(16)}: ${tree.instancePath(instance)}`);
  });
  f.native('devalias', (f) => {
    f.freshLine();
    const aliases = tree.ensure(tree.root, 'aliases');
    const name = f.parseName().text;
    const value = f.parseName().text;
    if (value !== '') {
      tree.setProperty(aliases, name, strings(value));
    } else {
      for (const key of aliases.properties.keys()) {
        if (key !== 'name' && (name === '' || key === name))
          f.line(`${key.padEnd(16)} ${tree.text(aliases, key) ?? ''}`);
      }
    }
  });
  f.native('$devalias', (f) => {
    f.need(4);
    const value = f.popString();
    tree.setProperty(tree.ensure(tree.root, 'aliases'), f.popString(), strings(value));
  });
}

/** A property as strings where it can only be that, otherwise as cells or bytes. */
function property(f: Forth, name: string, value: Uint8Array): void {
  const printable = value.every((byte) => byte === 0 || (byte >= 0x20 && byte < 0x7f));
  const texts = value.length > 0 && printable && value.at(-1) === 0 ? textOf(value.subarray(0, -1)).split('\0') : [];
  const lines: string[] = [];
  if (texts.length > 0 && texts.every((text) => text !== '')) {
    lines.push(...texts);
  } else {
    const shown = value.subarray(0, 512);
    for (let at = 0; at < shown.length; at += 16) {
      const row = Array.from(shown.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0'));
      const size = value.length % CELL === 0 ? CELL : 1;
      const groups: string[] = [];
      for (let i = 0; i < row.length; i += size) groups.push(row.slice(i, i + size).join(''));
      lines.push(groups.join(' '));
    }
    if (value.length > shown.length) lines.push(`... ${value.length} bytes`);
  }
  f.line(`${name.padEnd(24)}${lines[0] ?? ''}`.trimEnd());
  for (const line of lines.slice(1)) f.line(' '.repeat(24) + line);
}
