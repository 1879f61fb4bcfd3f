/** AssemblyScript: what the WebAssembly module exports. See find.ts. */
export { findChanges } from './changes';
export { findExportValues } from './export-values';
export { inspect } from './inspect';
export { writeLine } from './lines';
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
  CHUNK,
  LINES,
  MAX_LINES,
  LINE_HEAD,
  LINE_TAIL,
  MAX_LINE_PART,
} from './memory';
export { findElements, findEnd, findStringEnd } from './structure';
