// SPDX-License-Identifier: MIT
//
// For `node --import`: koffi is as if it were not installed.
import Module from 'node:module';

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === 'koffi') throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' });
  return load.call(this, name, ...rest);
};
