import { drafts } from './draft';

/** Marks a thing that has a draft. */
export function DraftMark({ target }: { target: string }) {
  return drafts.has(target) ? (
    <span class="draft-mark" title="You have begun to write here">
      <span aria-hidden="true">✎</span>
      <span class="hidden"> has a draft</span>
    </span>
  ) : null;
}
