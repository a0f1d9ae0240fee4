import { signal } from '@preact/signals';
import { swarm } from '../../live';
import { Drafts } from '../../model/drafts';
import type { Filter } from '../../model/questions';

export const drafts = new Drafts(swarm, localStorage);
export const filter = signal<Filter>('all');
