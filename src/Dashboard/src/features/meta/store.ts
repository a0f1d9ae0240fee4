import { signal } from '@preact/signals';
import type { MetaInput, Snapshot } from '../../api/types';

/** The repositories that agents are built with, and which of them are to be updated. */
export class MetaInputs {
  readonly all = signal<readonly MetaInput[]>([]);
  /** The names of those that are to be updated. */
  readonly chosen = signal<ReadonlySet<string>>(new Set());

  snapshot({ meta_inputs }: Pick<Snapshot, 'meta_inputs'>): void {
    this.all.value = meta_inputs;
  }
}

export const metaInputs = new MetaInputs();
