import type { Approval } from '../../api/types';
import { drafts } from '../../ui/draft';
import { Label } from '../../ui/label';
import { Writing } from '../../ui/writing';
import { keepNote } from './notes';

interface Props {
  approval: Approval;
  path: string;
  line: number;
  side: 'before' | 'after';
  text: string;
  editing: boolean;
  onEdit: () => void;
  onDone: () => void;
}

/** The operator's comment on a line: it is kept on this page until the denial takes it to who asked. */
export function LineComment({ approval, path, line, side, text, editing, onEdit, onDone }: Props) {
  const target = `line:${approval.id}.${approval.requested_at}.${side}.${line}.${path}`;
  const edit = () => {
    // The comment's text, unless another one has been begun.
    if (!drafts.has(target)) drafts.keep(target, text);
    onEdit();
  };
  if (!editing)
    return (
      <div class="line-note">
        <bdi>{text}</bdi>
        <button type="button" class="act" onClick={edit}>
          <Label text="✎ 3D1T" of={`the comment on line ${line} of ${path}`} />
        </button>
        <button type="button" class="act" onClick={() => keepNote(approval, { path, line, side, text: '' })}>
          <Label text="✗ D1SC4RD" of={`the comment on line ${line} of ${path}`} />
        </button>
      </div>
    );
  return (
    <div class="line-note">
      <Writing
        target={target}
        label={`Comment on line ${line} of ${path}`}
        placeholder="a comment; it goes to who asked, with a denial"
        send={{ label: '✓ K33P', plain: `Keep the comment on line ${line}` }}
        faultOf={(comment) => (comment.trim() === '' ? 'The comment is empty.' : null)}
        lines={2}
        focused
        onSend={(comment) => {
          keepNote(approval, { path, line, side, text: comment });
          onDone();
          return Promise.resolve(null);
        }}
        onLeave={onDone}
      />
    </div>
  );
}
