using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Hive.Cli.Terminal;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Cli;

/// <summary>Parses and runs a command line, and turns every failure into a message and an exit code.</summary>
internal static partial class CommandLine
{
    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        AddHostFlagsToHelp(root);
        // An argument that begins with @ is a name as the dashboard shows it, not a file of further arguments.
        var parsed = root.Parse(Normalized(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (Errors(parsed) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
                Report(Plain.OneLine(error));
            var command = parsed.CommandResult.Command;
            Console.Error.WriteLine($"Try: hive {(command == root ? "" : command.Name + " ")}--help");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
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

    private static void Report(string error) => Console.Error.WriteLine($"hive: {error}");

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

    // `hive` alone, `hive help` and `hive help VERB` ask for help.
    private static string[] Normalized(string[] arguments) =>
        arguments switch
        {
            [] => ["--help"],
            ["help", .. var verb] => [.. verb, "--help"],
            _ => arguments,
        };

    // The help of verbs that pass flags to the host lists those flags too.
    private static void AddHostFlagsToHelp(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithHostFlags((HelpAction)help.Action!);
    }

    private static IReadOnlyList<string> Errors(ParseResult parsed)
    {
        // The root and `forge` have verbs; an unknown one is an unmatched token.
        var verbs = parsed.CommandResult.Command.Subcommands;
        if (verbs.Count == 0 || parsed.UnmatchedTokens is not [var unknown, ..])
            return parsed.Action is HelpWithHostFlags ? [] : [.. parsed.Errors.Select(Worded)];
        if (unknown.StartsWith('-'))
            return [$"unknown option '{unknown}'"];
        var near = NearNames.Of(unknown, verbs.Where(v => !v.Hidden).Select(v => v.Name));
        var meant = near.Length > 0 ? $"; did you mean {string.Join(" or ", near)}?" : "";
        return [$"unknown verb '{unknown}'{meant}"];
    }

    // The library's message names a .NET type. Verbs take strings and whole numbers only.
    private static string Worded(ParseError error)
    {
        if (error.SymbolResult is ArgumentResult { Tokens.Count: 0 } missing)
            return $"{missing.Argument.Name} is missing";
        if (error.SymbolResult is CommandResult { Command.Subcommands: { Count: > 0 } verbs } group)
            return group.Command is RootCommand
                ? "a verb is missing; `hive --help` lists them"
                : $"{group.Command.Name} needs a verb: {string.Join(" or ", verbs.Select(v => v.Name))}";
        if (error.Message.StartsWith("Unrecognized command or argument ", StringComparison.Ordinal))
            return error
                .Message.Replace("Unrecognized command or", "unexpected", StringComparison.Ordinal)
                .TrimEnd('.');
        if (NotParsed().Match(error.Message) is not { Success: true } parts)
            return error.Message;
        // For an argument, the library's message names the verb.
        var isArgument = parts.Groups["kind"].Value == "command";
        var name =
            isArgument && error.SymbolResult is ArgumentResult result
                ? result.Argument.Name
                : parts.Groups["name"].Value;
        return $"'{parts.Groups["text"].Value}' is not valid for {name}; use a whole number";
    }

    [GeneratedRegex(
        "^Cannot parse argument '(?<text>.*)' for (?<kind>command|option) '(?<name>.*)' as expected type '.*'",
        RegexOptions.Singleline
    )]
    private static partial Regex NotParsed();

    private sealed class HelpWithHostFlags(HelpAction standard) : SynchronousCommandLineAction
    {
        // The column at which descriptions begin.
        private const int Indent = 32;
        private const int WidthWithoutTerminal = 120;

        public override int Invoke(ParseResult parseResult)
        {
            // Verbs that pass flags to the host accept tokens that they do not know.
            if (parseResult.CommandResult.Command is not { TreatUnmatchedTokensAsErrors: false } command)
                return standard.Invoke(parseResult);
            // Otherwise the standard help calls the host's flags "arguments passed to the application".
            command.TreatUnmatchedTokensAsErrors = true;
            var code = standard.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Host flags (a flag overrides its environment variable, which overrides hive.json):");
            var width = Console.IsOutputRedirected ? WidthWithoutTerminal : Math.Max(Console.WindowWidth, Indent + 40);
            foreach (var option in HiveOption.All.Where(o => o.Flag != CommonOptions.RunDir.Name))
            {
                var name = $"  {option.Flag} <{ValueOf(option.Kind)}>";
                var choices = option.Choices.Count > 0 ? $" ({string.Join(", ", option.Choices)})" : "";
                var text = $"{option.Description}{choices}. Default: {option.Default}. {option.Variable}";
                var lines = Plain.Wrapped(text, width - Indent).ToList();
                if (name.Length >= Indent)
                    output.WriteLine(name);
                for (var i = 0; i < lines.Count; i++)
                    output.WriteLine((i == 0 && name.Length < Indent ? name : "").PadRight(Indent) + lines[i]);
            }

            return code;
        }

        private static string ValueOf(OptionKind kind) =>
            kind switch
            {
                OptionKind.Switch => "true|false",
                OptionKind.Folder or OptionKind.RootFolder or OptionKind.Folders => "DIR",
                OptionKind.File or OptionKind.WholePath or OptionKind.Socket => "PATH",
                OptionKind.ListenUrls or OptionKind.Url => "URL",
                OptionKind.Choice => "WORD",
                _ => "TEXT",
            };
    }
}
