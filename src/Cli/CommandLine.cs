using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Hive.Cli.Completion;
using Hive.Cli.Help;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Parses and runs a command line, and turns every failure into a message and an exit code.</summary>
internal static partial class CommandLine
{
    /// <summary>Runs one command line.</summary>
    /// <param name="arguments">The words after <c>hive</c>.</param>
    /// <param name="display">Where it reads and writes; null for this process's own streams and signals.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, Display? display = null)
    {
        // An asynchronous method's change of it ends with the method.
        Display.Current = display ?? Display.Current;
        if (arguments is [Completer.Verb, var shell, .. var words])
            return await Completer.PrintAsync(Root(), shell, words);
        var root = Root();
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!);
        // An argument that begins with @ is a name as the dashboard shows it, not a file of further arguments.
        var parsed = root.Parse(Normalized(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (Errors(parsed) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
                Report(Plain.OneLine(error));
            var path = string.Concat(Path(parsed.CommandResult).Select(name => name + " "));
            Display.Current.Error.WriteLine($"Try: hive {path}--help");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = display is null ? TimeSpan.FromSeconds(30) : null,
                    Output = Display.Current.Output,
                    Error = Display.Current.Error,
                }
            );
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            Report(Plain.Text(e.Message));
            return code;
        }
    }

    private static void Report(string error) => Display.Current.Error.WriteLine($"hive: {error}");

    private static int? CodeOf(Exception e) =>
        e switch
        {
            HiveException => ExitCode.Refused,
            UnreachableException => ExitCode.Unreachable,
            UsageException => ExitCode.Usage,
            // For example a full disk; a closed pipe (`hive logs x | head`) is ignored by the console.
            IOException or UnauthorizedAccessException or SocketException => ExitCode.Refused,
            _ => null,
        };

    // `hive` alone, `hive help` and `hive help VERB` ask for help, also behind the folder of the sockets.
    private static string[] Normalized(string[] arguments)
    {
        var first = arguments switch
        {
            [CommonOptions.RunDirName, _, ..] => 2,
            [['-', ..] flag, ..] when flag.StartsWith(CommonOptions.RunDirName + "=", StringComparison.Ordinal) => 1,
            _ => 0,
        };
        return arguments[first..] switch
        {
            [] => ["--help"],
            ["help", .. var verb] => [.. arguments[..first], .. verb, "--help"],
            _ => arguments,
        };
    }

    /// <summary>The command with all its verbs.</summary>
    public static RootCommand Root()
    {
        var root = new RootCommand("Hive runs a swarm of coding agents on this machine and keeps you in the loop.");
        foreach (var verb in Verbs.All())
            root.Subcommands.Add(verb);
        root.Options.Add(CommonOptions.RunDir());
        return root;
    }

    // The names of the verb, and of the verbs that it belongs to.
    private static IEnumerable<string> Path(CommandResult result) =>
        result.Command is RootCommand ? [] : [.. Path((CommandResult)result.Parent!), result.Command.Name];

    private static IReadOnlyList<string> Errors(ParseResult parsed)
    {
        // The root and, for example, `forge` have verbs; an unknown one is an unmatched token.
        var verbs = parsed.CommandResult.Command.Subcommands;
        if (verbs.Count == 0 || parsed.UnmatchedTokens is not [var unknown, ..])
            return parsed.Action is HelpText ? [] : [.. UnknownFlags(parsed), .. parsed.Errors.Select(Worded)];
        if (unknown.StartsWith('-'))
            return [$"unknown option '{unknown}'"];
        var near = NearNames.Of(unknown, verbs.Where(v => !v.Hidden).Select(v => v.Name));
        var meant =
            near.Length > 0 ? $"; did you mean {string.Join(" or ", near)}?"
            : OfId(parsed.CommandResult, unknown) is { } verb ? $"; did you mean {verb}?"
            : "";
        return [$"unknown verb '{unknown}'{meant}"];
    }

    // An id in the place of the verb that shows what has it.
    private static string? OfId(CommandResult group, string word) =>
        long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        && group.Command.Subcommands.Any(v =>
            v.Name == "show" && v.Arguments is [{ } first, ..] && first.ValueType == typeof(long)
        )
            ? $"hive {string.Join(' ', Path(group))} show {word}"
            : null;

    // The library takes a flag that it does not know as a value; only a text may begin with a dash.
    private static IEnumerable<string> UnknownFlags(ParseResult parsed) =>
        parsed.Tokens.Any(t => t.Type == TokenType.DoubleDash)
            ? []
            : parsed
                .CommandResult.Children.OfType<ArgumentResult>()
                .Where(r => !GivenText.IsText(r.Argument))
                .SelectMany(r => r.Tokens)
                .Where(t => t.Value is ['-', _, ..] && !long.TryParse(t.Value, CultureInfo.InvariantCulture, out _))
                .Select(t => $"unknown option '{t.Value}'");

    private static bool IsFraction(Type type) => type == typeof(double) || type == typeof(double?);

    // The library's message names a .NET type. Verbs take strings and numbers only.
    private static string Worded(ParseError error)
    {
        if (error.SymbolResult is ArgumentResult { Tokens.Count: 0 } missing)
            return $"{missing.Argument.Name} is missing";
        if (error.SymbolResult is CommandResult { Command.Subcommands: { Count: > 0 } verbs } group)
            return group.Command is RootCommand
                ? "a verb is missing; `hive help` lists them"
                : $"{group.Command.Name} needs a verb: {string.Join(" or ", verbs.Select(v => v.Name))}";
        if (error.Message.StartsWith("Unrecognized command or argument ", StringComparison.Ordinal))
            return error.Message.Replace("Unrecognized command or", "unexpected", StringComparison.Ordinal).TrimEnd('.')
                + Meant(error);
        if (Required().Match(error.Message) is { Success: true } required)
            return $"{required.Groups["name"].Value} is missing";
        if (NotParsed().Match(error.Message) is not { Success: true } parts)
            return error.Message;
        // For an argument, the library's message names the verb.
        var isArgument = parts.Groups["kind"].Value == "command";
        var name =
            isArgument && error.SymbolResult is ArgumentResult result
                ? result.Argument.Name
                : parts.Groups["name"].Value;
        var number = error.SymbolResult is OptionResult { Option.ValueType: var type } && IsFraction(type);
        return $"'{parts.Groups["text"].Value}' is not valid for {name}; use a {(number ? "" : "whole ")}number";
    }

    // A value without its option, or an option without its dashes.
    private static string Meant(ParseError error)
    {
        if (Quoted().Match(error.Message).Groups["text"].Value is not { Length: > 0 } word)
            return "";
        var options = (error.SymbolResult as CommandResult)?.Command.Options ?? [];
        var of = options.FirstOrDefault(o => o.Name == $"--{word}");
        var with = options.FirstOrDefault(o => Completer.CanBe(o, word));
        return of is not null ? $"; did you mean {of.Name}?"
            : with is not null ? $"; did you mean {with.Name} {word}?"
            : "";
    }

    [GeneratedRegex("'(?<text>.*)'", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex("^Option '(?<name>--[a-z-]+)' is required")]
    private static partial Regex Required();

    [GeneratedRegex(
        "^Cannot parse argument '(?<text>.*)' for (?<kind>command|option) '(?<name>.*)' as expected type '.*'",
        RegexOptions.Singleline
    )]
    private static partial Regex NotParsed();
}
