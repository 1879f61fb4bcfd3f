/** Identifies a stream: the name, and the namespace unless the stream has none. */
export interface StreamDescriptor {
  name: string;
  namespace?: string;
}

/** Raw JSON text of each stream's state, by `descriptorKey`. */
export type StreamStates = ReadonlyMap<string, string>;

/** A descriptor. A namespace that is absent, null or "" means that the stream has none. */
export function descriptorOf(name: string, namespace?: string | null): StreamDescriptor {
  return namespace ? { name, namespace } : { name };
}

/** A key for maps. A NUL cannot occur in either part's JSON form, so no two streams share one. */
export function descriptorKey(descriptor: { name: string; namespace?: string | null | undefined }): string {
  return `${descriptor.namespace ?? ''}\0${descriptor.name}`;
}

/** The descriptor that a key of `descriptorKey` was made of. */
export function descriptorOfKey(key: string): StreamDescriptor {
  const [namespace, name = ''] = key.split('\0', 2);
  return descriptorOf(name, namespace);
}

/** How a stream is named to a user. */
export function descriptorText(descriptor: { name: string; namespace?: string | null | undefined }): string {
  return descriptor.namespace ? `${descriptor.namespace}.${descriptor.name}` : descriptor.name;
}
