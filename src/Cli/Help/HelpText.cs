using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Hive.Cli.Terminal;
using Hive.Protocol.Options;

namespace Hive.Cli.Help;

/// <summary>
/// Prints the help of <c>hive</c> in groups, and the host's flags in the help of verbs that pass them to the host.
/// </summary>
internal sealed class HelpText(HelpAction standard) : SynchronousCommandLineAction
{
    // The column at which descriptions of flags begin.
    private const int Indent = 32;
    private const int WidthWithoutTerminal = 120;

    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is RootCommand root)
        {
            Groups(root, output);
            return ExitCode.Done;
        }

        standard.MaxWidth = Width;
        // Verbs that pass flags to the host accept tokens that they do not know.
        if (parseResult.CommandResult.Command is not { TreatUnmatchedTokensAsErrors: false } command)
            return standard.Invoke(parseResult);
        // Otherwise the standard help calls the host's flags "arguments passed to the application".
        command.TreatUnmatchedTokensAsErrors = true;
        var code = standard.Invoke(parseResult);
        output.WriteLine("Host flags (a flag overrides its environment variable, which overrides hive.json):");
        foreach (var option in HiveOption.All.Where(o => o.Flag != CommonOptions.RunDirName))
        {
            var choices = option.Choices.Count > 0 ? $" ({string.Join(", ", option.Choices)})" : "";
            Entry(
                output,
                $"  {option.Flag} <{ValueOf(option.Kind)}>",
                $"{option.Description}{choices}. Default: {option.Default}. {option.Variable}",
                Indent
            );
        }

        return code;
    }

    private static int Width =>
        Display.Current.Measured().Width is { } columns ? Math.Max(columns, 60) : WidthWithoutTerminal;

    private static void Groups(RootCommand root, TextWriter output)
    {
        var verbs = root.Subcommands.Where(v => !v.Hidden).ToArray();
        var indent = verbs.Max(v => Usage(v).Length) + 4;
        foreach (var line in Plain.Wrapped(root.Description!, Width))
            output.WriteLine(line);
        output.WriteLine("\nUsage: hive VERB [options]");
        foreach (var (title, names) in VerbGroups.All)
        {
            output.WriteLine($"\n{title}");
            foreach (var verb in names.Select(n => verbs.FirstOrDefault(v => v.Name == n)).OfType<Command>())
                Entry(output, $"  {Usage(verb)}", verb.Description!, indent);
        }

        output.WriteLine("\nOptions");
        foreach (var option in root.Options.Where(o => !o.Hidden))
        {
            var names = string.Join(", ", option.Aliases.Where(a => a is ['-', not '?']).Append(option.Name));
            Entry(output, $"  {names}{(option.HelpName is { } value ? $" {value}" : "")}", option.Description!, indent);
        }

        output.WriteLine("\nhive help VERB tells more about one.");
    }

    private static string Usage(Command verb) => string.Join(' ', [verb.Name, .. verb.Arguments.Select(Named)]);

    private static string Named(Argument argument)
    {
        var name = argument.Arity.MaximumNumberOfValues > 1 ? $"{argument.Name}..." : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static void Entry(TextWriter output, string name, string text, int indent)
    {
        if (name.Length >= indent - 1)
        {
            output.WriteLine(name);
            name = "";
        }

        foreach (var line in Plain.Wrapped(text, Math.Max(Width - indent, 20)))
        {
            output.WriteLine(name.PadRight(indent) + line);
            name = "";
        }
    }

    private static string ValueOf(OptionKind kind) =>
        kind switch
        {
            OptionKind.Switch => "true|false",
            OptionKind.Folder or OptionKind.RootFolder or OptionKind.Folders => "DIR",
            OptionKind.File or OptionKind.WholePath or OptionKind.Socket => "PATH",
            OptionKind.ListenUrls or OptionKind.Url or OptionKind.HookUrl => "URL",
            OptionKind.Choice => "WORD",
            OptionKind.Decimal => "NUMBER",
            OptionKind.Seconds or OptionKind.SecondsList => "SECONDS",
            _ => "TEXT",
        };
}
