/** Identifies a stream. A stream without a namespace has no such member. */
export interface StreamDescriptor {
  name: string;
  namespace?: string;
}

/** Raw JSON text of each stream's state, by `descriptorKey`. */
export type StreamStates = ReadonlyMap<string, string>;

/** Makes a descriptor. A namespace that is null or "" counts as none. */
export function descriptorOf(name: string, namespace?: string | null): StreamDescriptor {
  return namespace ? { name, namespace } : { name };
}

/** A key for maps. Names cannot contain NUL, so no two streams share a key. */
export function descriptorKey(descriptor: { name: string; namespace?: string | null | undefined }): string {
  return `${descriptor.namespace ?? ''}\0${descriptor.name}`;
}

/** The descriptor of a key of `descriptorKey`. */
export function descriptorOfKey(key: string): StreamDescriptor {
  const [namespace, name = ''] = key.split('\0', 2);
  return descriptorOf(name, namespace);
}

/** The name of a stream in messages. */
export function descriptorText(descriptor: { name: string; namespace?: string | null | undefined }): string {
  return descriptor.namespace ? `${descriptor.namespace}.${descriptor.name}` : descriptor.name;
}
