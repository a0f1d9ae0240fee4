import { useEffect, useRef, useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import { words } from '../../api/refusal';
import type { Prices as Answer } from '../../api/types';
import { draftOf, emptyDraft, PRICE_FIELDS, type PriceDraft, readPrices } from '../../model/figures';
import { Leet } from '../../ui/leet';
import { Section } from '../../ui/section';

interface Props {
  /** A model that somebody wants to give a price. */
  asked: string | null;
  onTaken: () => void;
  onSaved: () => void;
}

/** What models cost: every sum of costs is made by this table, also that of turns long ago. */
export function Prices({ asked, onTaken, onSaved }: Props) {
  const table = useRef<HTMLTableSectionElement>(null);
  const [saved, setSaved] = useState<readonly PriceDraft[] | null>(null);
  const [drafts, setDrafts] = useState<readonly PriceDraft[]>([]);
  const [error, setError] = useState<string | null>(null);
  /** Somebody has written the file by hand, and not well. */
  const [fault, setFault] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const read = async (stopped?: AbortSignal) => {
    setError(null);
    try {
      const { models, fault: broken } = await get<Answer>('/api/prices', stopped);
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
  const focus = (row: number, field: number) => requestAnimationFrame(() => table.current?.rows[row]?.querySelectorAll('input')[field]?.focus());
  const add = (model: string) => {
    const at = drafts.findIndex((draft) => draft.model.trim() === model);
    if (model === '' || at < 0) change([...drafts, emptyDraft(model)]);
    focus(model === '' || at < 0 ? drafts.length : at, model === '' ? 0 : 1);
  };
  useEffect(() => {
    if (asked === null || saved === null) return;
    add(asked);
    onTaken();
  }, [asked, saved]);
  const save = async () => {
    if (busy) return;
    const answer = readPrices(drafts);
    if ('fault' in answer) {
      setError(answer.fault);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await post('/prices', { models: answer.prices });
      const kept = answer.prices.map(draftOf);
      setSaved(kept);
      setDrafts(kept);
      setFault(null);
      setDone(true);
      onSaved();
    } catch (e) {
      setError(`The price table was not saved: ${words(e)}`);
    } finally {
      setBusy(false);
    }
  };
  const changed = JSON.stringify(drafts) !== JSON.stringify(saved);
  return (
    <Section id="prices" title="PR1C3S" plain="Prices" aside={<span class="count">US dollars per million tokens</span>}>
      {saved === null ? (
        error === null ? (
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" /> reading …
          </p>
        ) : (
          <p class="refused" role="alert">
            <span>⚠ {error}</span>
            <button type="button" class="act" aria-label="Read the price table again" onClick={() => void read()}>
              <Leet text="↻ R3TRY" />
            </button>
          </p>
        )
      ) : (
        <form
          class="prices"
          onSubmit={(e) => {
            e.preventDefault();
            void save();
          }}
        >
          {fault === null ? null : <p class="note">⚠ The file with the prices cannot be used, so the last good ones hold: {fault} What is saved here takes its place.</p>}
          {drafts.length === 0 ? (
            <p class="empty">No model has a price yet. A name may end in a * to stand for all that begin so.</p>
          ) : (
            <div class="wide-table" tabIndex={0} role="group" aria-label="Price table">
              <table>
                <thead>
                  <tr>
                    <th scope="col">model</th>
                    {PRICE_FIELDS.map((field) => (
                      <th key={field} scope="col" class="n">
                        {FIELD_WORDS[field]}
                      </th>
                    ))}
                    <th scope="col">
                      <span class="hidden">remove</span>
                    </th>
                  </tr>
                </thead>
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
                            aria-label={field === 'model' ? `Model in row ${i + 1}` : `${FIELD_WORDS[field]} of ${draft.model || `row ${i + 1}`}`}
                            onInput={(e) => change(drafts.with(i, { ...draft, [field]: e.currentTarget.value }))}
                          />
                        </td>
                      ))}
                      <td>
                        <button type="button" class="plain" aria-label={`Remove ${draft.model || `row ${i + 1}`}`} onClick={() => change(drafts.toSpliced(i, 1))}>
                          ✗
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <div class="line">
            <button type="button" class="act" aria-label="Add a model" onClick={() => add('')}>
              <Leet text="⊕ M0D3L" />
            </button>
            <span class="buttons">
              {done && !changed ? (
                <span class="done" role="status">
                  ✓ saved
                </span>
              ) : null}
              {changed ? (
                <button type="button" class="act" aria-label="Undo what was changed" onClick={() => change(saved)}>
                  <Leet text="↩ UND0" />
                </button>
              ) : null}
              <button type="submit" class="act good solid" aria-label="Save the price table" aria-busy={busy} disabled={busy || !changed}>
                {busy ? <span class="spinner" aria-hidden="true" /> : null}
                <Leet text="✓ S4V3" />
              </button>
            </span>
          </div>
          {error === null ? null : (
            <p class="refused" role="alert">
              ⚠ {error}
            </p>
          )}
        </form>
      )}
    </Section>
  );
}

const FIELD_WORDS: Record<(typeof PRICE_FIELDS)[number], string> = { input: 'in', output: 'out', cache_read: 'from cache', cache_creation: 'into cache' };
