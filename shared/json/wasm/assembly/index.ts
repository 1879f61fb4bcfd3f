/** AssemblyScript: what the WebAssembly module exports. See find.ts. */
export { findChanges } from './changes';
export { findExportValues } from './export-values';
export { inspect } from './inspect';
export { findMembers } from './members';
export {
  OUTPUT,
  KEYS,
  QUIET_NAMES,
  QUIET_NUMBERS,
  MAX_KEYS,
  KEY_BYTES,
  MAX_KEY_TEXT,
  COPIED,
  MAX_COPIED,
  RESIDENT,
  MAX_RESIDENT,
  CHANGES,
  MAX_CHANGES,
} from './memory';
export { findElements, findEnd, findStringEnd } from './structure';
