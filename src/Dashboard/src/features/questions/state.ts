import { signal } from '@preact/signals';
import { Drafts } from './drafts';
import type { Filter } from './question';
import { questions } from './store';

export const drafts = new Drafts(questions, localStorage);
export const filter = signal<Filter>('all');
