import { useEffect, useRef, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import { Fault, ReadFault } from '../../ui/fault';
import { focusDrawn } from '../../ui/focus';
import { Label } from '../../ui/label';
import { Reading } from '../../ui/reading';
import { Section } from '../../ui/section';
import { useSending } from '../../ui/sending';
import { Submit } from '../../ui/submit';
import { Columns, Table } from '../../ui/table';
import { counted } from '../../ui/text/figures';
import { draftOf, emptyDraft, PRICE_FIELDS, type PriceDraft, readPrices } from './figures';

interface Props {
  /** A model that needs a price. */
  asked: string | null;
}

/** The price table: every cost is computed from it, also of past turns. */
export function Prices({ asked }: Props) {
  const [editing, setEditing] = useState(asked !== null);
  const taken = useRef<string | null>(null);
  const table = useRef<HTMLTableSectionElement>(null);
  const [saved, setSaved] = useState<readonly PriceDraft[] | null>(null);
  const [drafts, setDrafts] = useState<readonly PriceDraft[]>([]);
  /** The price file was edited by hand and is invalid. */
  const [fault, setFault] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const { busy, error, setError, send } = useSending((e) => `The price table was not saved: ${words(e)}`);
  const read = async (stopped?: AbortSignal) => {
    setError(null);
    try {
      const { models, fault: broken } = await answerOf(api.GET('/api/prices', { signal: stopped ?? null }));
      setFault(broken ?? null);
      setSaved(models.map(draftOf));
      setDrafts(models.map(draftOf));
    } catch (e) {
      if (stopped?.aborted !== true) setError(`The price table could not be read: ${words(e)}`);
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    void read(stop.signal);
    return () => stop.abort();
  }, []);
  const change = (next: readonly PriceDraft[]) => {
    setDrafts(next);
    setError(null);
    setDone(false);
  };
  const focus = (row: number, field: number) =>
    focusDrawn(() => table.current?.rows[row]?.querySelectorAll('input')[field]);
  const add = (model: string) => {
    const at = drafts.findIndex((draft) => draft.model.trim() === model);
    if (model === '' || at < 0) change([...drafts, emptyDraft(model)]);
    focus(model === '' || at < 0 ? drafts.length : at, model === '' ? 0 : 1);
  };
  useEffect(() => {
    if (asked === null || saved === null || taken.current === asked) return;
    taken.current = asked;
    setEditing(true);
    add(asked);
  }, [asked, saved]);
  const save = () => {
    const answer = readPrices(drafts);
    if ('fault' in answer) {
      setError(answer.fault);
      return;
    }
    void send(null, async () => {
      await api.POST('/api/prices', { body: { models: answer.prices } });
      const kept = answer.prices.map(draftOf);
      setSaved(kept);
      setDrafts(kept);
      setFault(null);
      setDone(true);
    });
  };
  const changed = JSON.stringify(drafts) !== JSON.stringify(saved);
  return (
    <Section
      feature="stats"
      id="prices"
      title="PR1C3S"
      plain="Prices"
      aside={
        <span class="counts">
          <span class="count">
            {saved === null ? '' : `${counted(saved.length, 'model')} · `}US dollars per million tokens
          </span>
          {editing ? null : (
            <button type="button" class="act" onClick={() => setEditing(true)}>
              <Label text="✎ 3D1T" of="the prices" />
            </button>
          )}
        </span>
      }
    >
      {!editing && error === null && fault === null ? null : saved === null ? (
        error === null ? (
          <Reading tone="empty" />
        ) : (
          <ReadFault error={error} plain="Read the price table again" onRetry={() => void read()} />
        )
      ) : (
        <form
          class="prices"
          onSubmit={(e) => {
            e.preventDefault();
            save();
          }}
        >
          {fault === null ? null : (
            <p class="note">
              ⚠ The price file is invalid, so the last valid prices are used: {fault} Saving here replaces it.
            </p>
          )}
          {drafts.length === 0 ? (
            <p class="empty">
              No model has a price yet. A name that ends in * matches every model that begins with it.
            </p>
          ) : (
            <Table
              label="Price table"
              columns={
                <>
                  <Columns words={['model']} figures={PRICE_FIELDS.map((field) => FIELD_WORDS[field])} />
                  <th scope="col">
                    <span class="hidden">remove</span>
                  </th>
                </>
              }
            >
              <tbody ref={table}>
                {drafts.map((draft, i) => (
                  <tr key={i}>
                    {(['model', ...PRICE_FIELDS] as const).map((field) => (
                      <td key={field} class={field === 'model' ? '' : 'n'}>
                        <input
                          type="text"
                          class="field"
                          inputMode={field === 'model' ? 'text' : 'decimal'}
                          value={draft[field]}
                          spellcheck={false}
                          autocomplete="off"
                          autocapitalize="none"
                          aria-label={
                            field === 'model'
                              ? `Model in row ${i + 1}`
                              : `${FIELD_WORDS[field]} of ${draft.model || `row ${i + 1}`}`
                          }
                          onInput={(e) => change(drafts.with(i, { ...draft, [field]: e.currentTarget.value }))}
                        />
                      </td>
                    ))}
                    <td>
                      <button
                        type="button"
                        class="plain"
                        aria-label={`Remove ${draft.model || `row ${i + 1}`}`}
                        onClick={() => change(drafts.toSpliced(i, 1))}
                      >
                        ✗
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </Table>
          )}
          <div class="line">
            <button type="button" class="act" aria-label="Add a model" onClick={() => add('')}>
              <Label text="⊕ M0D3L" />
            </button>
            <span class="buttons">
              {done && !changed ? (
                <span class="done" role="status">
                  ✓ saved
                </span>
              ) : null}
              {changed ? (
                <button type="button" class="act" aria-label="Undo the changes" onClick={() => change(saved)}>
                  <Label text="↩ UND0" />
                </button>
              ) : null}
              <Submit label="✓ S4V3" plain="Save the price table" tone="good solid" busy={busy} disabled={!changed} />
            </span>
          </div>
          <Fault error={error} />
        </form>
      )}
    </Section>
  );
}

const FIELD_WORDS: Record<(typeof PRICE_FIELDS)[number], string> = {
  input: 'in',
  output: 'out',
  cache_read: 'from cache',
  cache_creation: 'into cache',
};
