import type { Waiting } from '../../api/types';
import { drafts } from '../../ui/draft';
import { Label } from '../../ui/label';
import { Link } from '../../ui/link';
import { useOutcome } from '../../ui/outcome';
import { visible } from '../../ui/text/visible';

interface Props {
  name: string;
  /** The row as it was last, where the page has seen it. */
  was: Waiting | null;
  /** The target of the draft that was being written for it. */
  draft: string | null;
  /** Called where it still exists, such as one that was put aside. */
  onFound: (row: Waiting) => void;
}

/** A key under which nothing waits any more: what became of it, and what was being written for it. */
export function Gone({ name, was, draft, onFound }: Props) {
  const outcome = useOutcome(name, onFound);
  const text = draft === null ? '' : drafts.of(draft);
  return (
    <article class="waiting-detail gone" aria-labelledby="gone-title" data-gone={name}>
      <h2 id="gone-title">
        <bdi>{visible(name)}</bdi> waits no longer
      </h2>
      {was === null ? null : (
        <blockquote>
          <bdi>{was.title}</bdi>
        </blockquote>
      )}
      {outcome === null ? (
        <p class="dim">Asking what became of it …</p>
      ) : (
        <p role="alert">
          <bdi>{outcome}</bdi>
        </p>
      )}
      {text === '' || draft === null ? null : (
        <div class="left-draft">
          <p class="dim">Your text was not sent:</p>
          <blockquote>
            <bdi>{text}</bdi>
          </blockquote>
          <button type="button" class="act" onClick={() => drafts.keep(draft, '')}>
            <Label text="✗ D1SC4RD" of="your text" />
          </button>
        </div>
      )}
      <p>
        <Link to="/waiting">What waits for you</Link>
      </p>
    </article>
  );
}
