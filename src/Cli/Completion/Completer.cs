using System.CommandLine;
using System.Runtime.CompilerServices;
using Hive.Cli.Host;
using Hive.Cli.Terminal;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Cli.Completion;

/// <summary>One word that can stand at the cursor.</summary>
/// <param name="Word">The word.</param>
/// <param name="About">What it is, for shells that show that.</param>
internal readonly record struct Candidate(string Word, string About = "");

/// <summary>Finds the words that can complete a command line; the shells' scripts ask it at every Tab.</summary>
internal static class Completer
{
    /// <summary>The hidden verb: <c>hive __complete SHELL WORDS…</c>; the last word is the one at the cursor.</summary>
    public const string Verb = "__complete";

    // Somebody waits at the cursor.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly ConditionalWeakTable<
        Symbol,
        Func<HivePaths, CancellationToken, Task<Candidate[]>>
    > Sources = new();

    private static readonly ConditionalWeakTable<Symbol, string[]> Words = [];

    /// <summary>Says where the values of an argument or an option come from.</summary>
    public static T CompletedBy<T>(this T symbol, Func<HivePaths, CancellationToken, Task<Candidate[]>> source)
        where T : Symbol
    {
        Sources.AddOrUpdate(symbol, source);
        return symbol;
    }

    /// <summary>Says which values an argument or an option can have.</summary>
    public static T CompletedBy<T>(this T symbol, params string[] words)
        where T : Symbol =>
        symbol.Fixed(words).CompletedBy((_, _) => Task.FromResult(words.Select(w => new Candidate(w)).ToArray()));

    /// <summary>True for one of the values that an option was said to have.</summary>
    public static bool CanBe(Symbol symbol, string value) =>
        Words.TryGetValue(symbol, out var words) && words.Contains(value);

    private static T Fixed<T>(this T symbol, string[] words)
        where T : Symbol
    {
        Words.AddOrUpdate(symbol, words);
        return symbol;
    }

    public static async Task<int> PrintAsync(RootCommand root, string shell, string[] words)
    {
        var found = await FindAsync(root, words.Length == 0 ? [""] : words);
        foreach (var (word, about) in found)
        {
            // A description ends where the next line begins.
            var text = Plain.OneLine(about);
            Display.Current.Output.WriteLine(
                shell switch
                {
                    _ when text.Length == 0 || shell == "bash" => shell == "zsh" ? word.Replace(":", "\\:") : word,
                    "zsh" => $"{word.Replace(":", "\\:")}:{text}",
                    _ => $"{word}\t{text}",
                }
            );
        }

        return ExitCode.Done;
    }

    /// <summary>Finds the candidates for the last word.</summary>
    public static async Task<IReadOnlyList<Candidate>> FindAsync(RootCommand root, IReadOnlyList<string> words)
    {
        var (command, values, option, onlyValues) = Read(root, words);
        var current = words[^1];
        // --flag=value
        var inline = current.StartsWith("--", StringComparison.Ordinal) && current.Contains('=') && !onlyValues;
        if (inline)
        {
            option = current[..current.IndexOf('=')];
            current = current[(option.Length + 1)..];
        }

        var found = option is not null ? await OfOptionAsync(command, option, words) : [];
        if (option is null && !onlyValues && current.StartsWith('-'))
            found = [.. Flags(command)];
        else if (option is null)
            found = await OfArgumentAsync(command, values, words);
        // A name may begin with @, as on the page.
        var at = current.StartsWith('@') ? "@" : "";
        var before = inline ? option + "=" : at;
        return
        [
            .. found
                .Where(c => c.Word.StartsWith(current[at.Length..], StringComparison.Ordinal))
                .Where(c => !words.Take(words.Count - 1).Contains(c.Word) || option is not null)
                .DistinctBy(c => c.Word)
                .Select(c => c with { Word = before + c.Word }),
        ];
    }

    // The verb before the cursor, how many values it has got, and the option whose value is at the cursor.
    private static (Command Command, int Values, string? Option, bool OnlyValues) Read(
        RootCommand root,
        IReadOnlyList<string> words
    )
    {
        Command command = root;
        var (values, onlyValues, option) = (0, false, (string?)null);
        foreach (var word in words.Take(words.Count - 1))
        {
            if (option is not null)
                option = null;
            else if (onlyValues || !word.StartsWith('-') || word == "-")
            {
                var inner = values == 0 ? command.Subcommands.FirstOrDefault(c => c.Name == word) : null;
                if (inner is null && !(command == root && word == "help"))
                    values++;
                command = inner ?? command;
            }
            else if (word == "--")
                onlyValues = true;
            else if (!word.Contains('=') && TakesValue(command, word))
                option = word;
        }

        return (command, values, option, onlyValues);
    }

    private static bool TakesValue(Command command, string flag) =>
        Options(command).FirstOrDefault(o => o.Name == flag || o.Aliases.Contains(flag)) is { } option
            ? option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0
            : TakesHostFlags(command) && HiveOption.All.Any(o => o.Flag == flag);

    private static IEnumerable<Option> Options(Command command) =>
        command.Options.Append(CommonOptions.RunDir()).Where(o => !o.Hidden).DistinctBy(o => o.Name);

    private static bool TakesHostFlags(Command command) => !command.TreatUnmatchedTokensAsErrors;

    private static IEnumerable<Candidate> Flags(Command command) =>
        Options(command)
            .Select(o => new Candidate(o.Name, o.Description ?? ""))
            .Append(new Candidate("--help", "Show help"))
            .Concat(TakesHostFlags(command) ? HiveOption.All.Select(o => new Candidate(o.Flag, o.Description)) : []);

    private static Task<Candidate[]> OfOptionAsync(Command command, string flag, IReadOnlyList<string> words)
    {
        if (Options(command).FirstOrDefault(o => o.Name == flag || o.Aliases.Contains(flag)) is { } option)
            return AskAsync(option, words);
        var choices = HiveOption.All.FirstOrDefault(o => o.Flag == flag)?.Choices ?? [];
        return Task.FromResult(choices.Select(c => new Candidate(c)).ToArray());
    }

    private static async Task<Candidate[]> OfArgumentAsync(Command command, int values, IReadOnlyList<string> words)
    {
        var verbs = values > 0 ? [] : command.Subcommands.Where(c => !c.Hidden).ToArray();
        IEnumerable<Candidate> found = verbs.Select(v => new Candidate(v.Name, v.Description ?? ""));
        var skipped = values;
        foreach (var argument in command.Arguments)
        {
            if (skipped < argument.Arity.MaximumNumberOfValues)
                return [.. found, .. await AskAsync(argument, words)];
            skipped -= argument.Arity.MaximumNumberOfValues;
        }

        return [.. found];
    }

    private static async Task<Candidate[]> AskAsync(Symbol symbol, IReadOnlyList<string> words)
    {
        if (!Sources.TryGetValue(symbol, out var source))
            return [];
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            var runDir = Given(words, CommonOptions.RunDirName);
            return await source(HivePaths.Find(null, runDir, Display.Current.Variable), limit.Token);
        }
        catch (Exception e)
            when (e
                    is InvalidOperationException
                        or UnreachableException
                        or UsageException
                        or HiveException
                        or OperationCanceledException
                        or System.Text.Json.JsonException
            )
        {
            // Without a host there is nothing to offer, and no place to say so.
            return [];
        }
    }

    private static string? Given(IReadOnlyList<string> words, string flag)
    {
        var at = words.ToList().IndexOf(flag);
        return at >= 0 && at + 1 < words.Count - 1
            ? words[at + 1]
            : words.FirstOrDefault(w => w.StartsWith($"{flag}=", StringComparison.Ordinal))?[(flag.Length + 1)..];
    }
}
