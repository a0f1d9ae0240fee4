using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Hive.Cli.Terminal;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Cli;

/// <summary>What the command does with a command line before any verb runs: help, and errors in words.</summary>
internal static partial class CommandLine
{
    /// <summary><c>hive</c> alone, <c>hive help</c> and <c>hive help VERB</c> ask for help.</summary>
    public static string[] Normalized(string[] arguments) =>
        arguments switch
        {
            [] => ["--help"],
            ["help", .. var verb] => [.. verb, "--help"],
            _ => arguments,
        };

    /// <summary>Help of the verbs that pass flags on to the host lists those flags too.</summary>
    public static void AddHostFlagsToHelp(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithHostFlags((HelpAction)help.Action!);
    }

    /// <summary>What is wrong with the command line, a sentence each.</summary>
    public static IReadOnlyList<string> Errors(ParseResult parsed, RootCommand root)
    {
        if (parsed.CommandResult.Command != root || parsed.UnmatchedTokens is not [var unknown, ..])
            return parsed.Action is HelpWithHostFlags ? [] : [.. parsed.Errors.Select(Worded)];
        if (unknown.StartsWith('-'))
            return [$"there is no option '{unknown}'"];
        var near = NearNames.Of(unknown, root.Subcommands.Where(c => !c.Hidden).Select(c => c.Name));
        var meant = near.Length > 0 ? $"; did you mean {string.Join(" or ", near)}?" : "";
        return [$"there is no verb '{unknown}'{meant}"];
    }

    // The library names the type it could not make of a text. All that verbs take beside texts are whole numbers.
    private static string Worded(ParseError error)
    {
        if (NotParsed().Match(error.Message) is not { Success: true } parts)
            return error.Message;
        // For an argument it names the verb.
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
        // Names of flags stand to the left of this column.
        private const int Indent = 32;
        private const int WidthWithoutTerminal = 120;

        public override int Invoke(ParseResult parseResult)
        {
            if (parseResult.CommandResult.Command is not { Name: "up" or "doctor" } command)
                return standard.Invoke(parseResult);
            // Parsing is over. Help would call the host's flags "arguments passed to the application".
            command.TreatUnmatchedTokensAsErrors = true;
            var code = standard.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(
                "Flags of the host (also as variables and in hive.json; the flag wins, then the variable):"
            );
            var width = Console.IsOutputRedirected ? WidthWithoutTerminal : Math.Max(Console.WindowWidth, Indent + 40);
            foreach (var option in HiveOption.All.Where(o => o.Flag != CommonOptions.RunDir.Name))
            {
                var name =
                    $"  {option.Flag} <{option.Kind switch
                {
                    OptionKind.Switch => "true|false",
                    OptionKind.Folder or OptionKind.RootFolder or OptionKind.Folders => "DIR",
                    OptionKind.File or OptionKind.WholePath or OptionKind.Socket => "PATH",
                    OptionKind.ListenUrls or OptionKind.Url => "URL",
                    OptionKind.Choice => "WORD",
                    _ => "TEXT",
                }}>";
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
    }
}
