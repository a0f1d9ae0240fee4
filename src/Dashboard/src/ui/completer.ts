/** A text that may stand in place of the typed word. */
export interface Offer {
  /** The text that replaces the word. */
  name: string;
  /** It as it is shown. */
  shown: string;
  hint: string;
}

/** Completes words that begin with a sign: agents after `@`, messages after `#`, files after `/shared/`. */
export interface Completer {
  /** The name of the offers. */
  label: string;
  /** Matches the words that it completes. */
  begins: RegExp;
  /** It completes the first word only. */
  first?: boolean;
  /**
   * Whether a word means something as it is, so that no offer stands in for it unasked. An offer's name always does.
   */
  whole?: (word: string) => boolean;
  offers: (word: string) => readonly Offer[];
}
