using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;
using Scalar = YamlDotNet.Core.Events.Scalar;

namespace Hive.Features.Meta;

/// <summary>Reads <c>agent.yaml</c>, strictly: who writes it may be an agent. <c>docs/agent.schema.json</c> says the
/// same to editors.</summary>
internal sealed partial class AgentYaml(InputUrls urls, IAgentNames names)
{
    public const string FileName = "agent.yaml";

    /// <summary>The whole file.</summary>
    public const int MaxBytes = 64 << 10;

    private const int MaxDepth = 8;
    private const int MaxText = 4096;
    private const int MaxEntries = 100;
    private const long MinMemory = 64L << 20;
    private const long MaxMemory = 16L << 40;
    private const int MaxCpuPercent = 100_000;
    private const int MaxIdleSeconds = 7 * 24 * 60 * 60;
    private const int MaxCompactAtTokens = 100_000_000;
    private static readonly string[] Units = ["B", "K", "M", "G", "T"];

    // Hive's own, and those that say what a program loads before it runs.
    private static readonly string[] OwnVariables =
    [
        "PATH",
        "HOME",
        "LANG",
        "PWD",
        "SHELL",
        "USER",
        "LOGNAME",
        "IFS",
        "ENV",
        "BASH_ENV",
    ];
    private static readonly string[] OwnPrefixes = ["HIVE_", "LD_", "DOTNET_", "COMPlus_", "CORECLR_"];

    /// <summary>Reads it.</summary>
    /// <param name="label">What the file is called in errors.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="files">The names of the files beside it.</param>
    /// <exception cref="Problem">Code <c>invalid</c>: it cannot be used; the message names file, line and
    /// cure.</exception>
    public AgentConfig Read(string label, ReadOnlyMemory<byte> content, IReadOnlySet<string> files)
    {
        if (content.Length > MaxBytes)
            throw Problem.TooLarge(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{label} has {content.Length} bytes, and may have {MaxBytes}; put texts into files beside it"
                )
            );
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content.Span).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            throw Problem.Invalid($"{label} is not UTF-8", e);
        }

        try
        {
            CheckForm(label, text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            var root =
                stream.Documents.Count == 0 || IsNothing(stream.Documents[0].RootNode)
                    ? null
                    : stream.Documents[0].RootNode;
            return Read(new Section(label, "the file", root, Keys.All), files);
        }
        catch (YamlException e)
        {
            throw Problem.Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{label}, line {e.Start.Line}, column {e.Start.Column}: {e.InnerException?.Message ?? e.Message}"
                ),
                e
            );
        }
    }

    // Before a tree is made of it: nothing that grows when it is read, and nothing so deep that walking it ends the
    // process.
    private static void CheckForm(string label, string text)
    {
        var parser = new Parser(new StringReader(text));
        var (depth, documents) = (0, 0);
        while (parser.MoveNext())
        {
            var now = parser.Current!;
            depth += now.NestingIncrease;
            var fault = now switch
            {
                AnchorAlias or NodeEvent { Anchor.IsEmpty: false } =>
                    "anchors and aliases ('&', '*') are not read; write it out",
                NodeEvent { Tag.IsEmpty: false } => "tags ('!') are not read; leave it out",
                DocumentStart when ++documents > 1 => "there is a second document; one file holds one agent",
                // Stream and document are two levels.
                _ when depth > MaxDepth + 2 => "it is nested too deeply",
                Scalar { Value.Length: > MaxText } =>
                    $"a text may have {MaxText} characters; put a longer one into a file beside it",
                _ => null,
            };
            if (fault is not null)
                throw At(label, now.Start, fault);
        }
    }

    private AgentConfig Read(Section file, IReadOnlySet<string> files) =>
        new(
            file.Text(Keys.Driver, DriverName(), "a driver's name, such as scripted"),
            file.Text(Keys.Model),
            file.File(Keys.Script, files),
            file.File(Keys.Role, files),
            file.List(Keys.Tools),
            file.List(
                Keys.Recipients,
                r =>
                    r is Principals.Everyone or Principals.Operator || names.IsWellFormed(r)
                        ? null
                        : "is no agent's name, nor 'operator', nor '*'"
            ),
            file.Map(
                Keys.McpServers,
                ServerName(),
                "the name of a server has letters, digits, '-' and '_', and is not 'hive'",
                Server
            ),
            Variables(file, Keys.Environment),
            Limits(file.Inner(Keys.Limits, Keys.OfLimits)),
            file.Text(Keys.Restart, RestartRule(), "'on-failure' or 'never'") != "never",
            Driving(file),
            file.Map(
                Keys.Inputs,
                InputName(),
                "the name of an input has a-z, 0-9 and '-', begins with a letter, ends with a letter or digit, and has at most 31 characters",
                Input
            )
        );

    // For the harness, which reads the same file.
    private static DriverSettings Driving(Section file) =>
        new(
            file.List(Keys.Command) is not [] and var command
                ? command
                : throw file.Fault(Keys.Command, "'command' is empty; name the program, or leave it out"),
            file.List(Keys.LoginCommand) is not [] and var login
                ? login
                : throw file.Fault(Keys.LoginCommand, "'login_command' is empty; name the program, or leave it out"),
            file.Number(Keys.IdleSeconds, 1, MaxIdleSeconds, "a whole number of seconds"),
            file.Number(Keys.CompactAtTokens, 0, MaxCompactAtTokens, "a whole number of tokens, or 0 for never")
        );

    private static McpServer Server(Section server) =>
        new(
            server.Text(Keys.Command) ?? throw server.Fault("has no 'command'; name the program to run"),
            server.List(Keys.Args) ?? [],
            Variables(server, Keys.Env),
            server.List(Keys.AllowedTools) ?? ["*"]
        );

    private InputSource Input(Section input)
    {
        var url = input.Text(Keys.Url) ?? throw input.Fault("has no 'url'; name the repository");
        if (urls.Fault(url) is { } fault)
            throw input.Fault(Keys.Url, $"the url {fault}");
        var reference = input.Text(Keys.Ref);
        if (reference is not null && !IsReference(reference))
            throw input.Fault(
                Keys.Ref,
                "'ref' is a branch, a tag or a whole commit, such as main, v1.2 or 40 hexadecimal digits"
            );
        return new InputSource(url, reference);
    }

    private static AgentLimits Limits(Section? limits)
    {
        if (limits is null)
            return AgentLimits.Default;
        var (memory, cpu) = (AgentLimits.Default.MemoryBytes, AgentLimits.Default.CpuPercent);
        if (limits.Scalar(Keys.Memory) is { } size)
            memory = Bytes(size) is { } bytes and >= MinMemory and <= MaxMemory
                ? bytes
                : throw limits.Fault(
                    Keys.Memory,
                    "'memory' is a size from 64 MB to 16 TB, such as 2 GB, or a number of bytes"
                );
        if (limits.Scalar(Keys.CpuPercent) is { } percent)
        {
            cpu =
                int.TryParse(percent, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value is >= 1 and <= MaxCpuPercent
                    ? value
                    : throw limits.Fault(
                        Keys.CpuPercent,
                        $"'cpu_percent' is a whole number from 1 to {MaxCpuPercent}; 100 is one processor"
                    );
        }

        return new AgentLimits(memory, cpu);
    }

    // Every unit is 1024 of the one before, as for systemd and for containers.
    private static long? Bytes(string size)
    {
        var form = Size().Match(size);
        if (
            !form.Success
            || !decimal.TryParse(
                form.Groups["number"].Value,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
            return null;
        var unit = form.Groups["unit"].Success ? form.Groups["unit"].Value.ToUpperInvariant() : "B";
        var bytes = number * (1L << (10 * Array.IndexOf(Units, unit)));
        return bytes <= MaxMemory ? (long)bytes : null;
    }

    private static Dictionary<string, string> Variables(Section section, string key)
    {
        Dictionary<string, string> variables = [];
        foreach (var (name, node) in section.Entries(key))
        {
            if (!VariableName().IsMatch(name))
                throw section.At(
                    node,
                    $"'{Shown(name)}' is no name of a variable; use letters, digits and '_', and begin with no digit"
                );
            if (OwnVariables.Contains(name) || OwnPrefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal)))
                throw section.At(node, $"'{name}' is set by Hive and cannot be set here");
            variables[name] =
                section.ScalarOf(name, node) is var value && !value.Contains('\0', StringComparison.Ordinal)
                    ? value
                    : throw section.At(node, $"'{name}' holds a NUL");
        }

        return variables;
    }

    // git-check-ref-format(1), and never anything that could be taken for an option.
    private static bool IsReference(string text) =>
        Reference().IsMatch(text)
        && !text.Contains("..", StringComparison.Ordinal)
        && !text.Contains("//", StringComparison.Ordinal)
        && !text.Contains("/.", StringComparison.Ordinal)
        && !text.EndsWith(".lock", StringComparison.Ordinal)
        && text[^1] is not ('/' or '.')
        && !text.Contains(".lock/", StringComparison.Ordinal);

    private static bool IsNothing(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" };

    private static Problem At(string label, Mark at, string what) =>
        Problem.Invalid(
            string.Create(CultureInfo.InvariantCulture, $"{label}, line {at.Line}, column {at.Column}: {what}")
        );

    private static string Shown(string text) =>
        string.Concat((text.Length <= 40 ? text : text[..40] + "…").Select(c => char.IsControl(c) ? '?' : c));

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,30}\z")]
    private static partial Regex DriverName();

    [GeneratedRegex(@"\A(on-failure|never)\z")]
    private static partial Regex RestartRule();

    [GeneratedRegex(@"\A(?!hive\z)[A-Za-z0-9][A-Za-z0-9_-]{0,62}\z")]
    private static partial Regex ServerName();

    [GeneratedRegex(@"\A[a-z]([a-z0-9-]{0,29}[a-z0-9])?\z")]
    private static partial Regex InputName();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,99}\z")]
    private static partial Regex VariableName();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}\z")]
    private static partial Regex Reference();

    [GeneratedRegex(
        @"\A(?<number>[0-9]{1,15}(\.[0-9]{1,3})?)( ?((?<unit>[KMGT])(i?B)?|(?<unit>B)))?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Size();

    // What a text looks like that YAML takes for something else.
    [GeneratedRegex(
        @"\A(true|false|yes|no|on|off|~|null|[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+|[-+]?\.inf|\.nan)?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex NoText();

    /// <summary>The keys there are.</summary>
    internal static class Keys
    {
        public const string Driver = "driver",
            Model = "model",
            Script = "script",
            Role = "role",
            Tools = "tools",
            Recipients = "recipients",
            McpServers = "mcp_servers",
            Environment = "environment",
            Limits = "limits",
            Restart = "restart",
            Inputs = "inputs",
            Memory = "memory",
            CpuPercent = "cpu_percent",
            Url = "url",
            Ref = "ref",
            Command = "command",
            Args = "args",
            Env = "env",
            AllowedTools = "allowed_tools",
            LoginCommand = "login_command",
            IdleSeconds = "idle_seconds",
            CompactAtTokens = "compact_at_tokens";

        public static readonly string[] All =
        [
            Driver,
            Model,
            Script,
            Role,
            Tools,
            Command,
            LoginCommand,
            IdleSeconds,
            CompactAtTokens,
            Recipients,
            McpServers,
            Environment,
            Limits,
            Restart,
            Inputs,
        ];
        public static readonly string[] OfLimits = [Memory, CpuPercent];
        public static readonly string[] OfInput = [Url, Ref];
        public static readonly string[] OfServer = [Command, Args, Env, AllowedTools];
    }

    /// <summary>A mapping of the file, whose keys are known.</summary>
    private sealed class Section
    {
        private readonly string label;
        private readonly string name;
        private readonly YamlNode? whole;
        private readonly Dictionary<string, YamlNode> values = [];

        public Section(string label, string name, YamlNode? node, string[] known)
        {
            (this.label, this.name, whole) = (label, name, node);
            foreach (var (key, value) in Pairs(name, node))
            {
                if (!known.Contains(key))
                {
                    var near = NearNames.Of(key, known);
                    throw At(
                        KeyOf(node!, key),
                        $"there is no key '{Shown(key)}' in {name}; {(near.Length > 0 ? $"did you mean {string.Join(" or ", near)}?" : $"there are: {string.Join(", ", known)}")}"
                    );
                }

                values[key] = value;
            }
        }

        public Problem Fault(string what) => At(whole!, $"{name} {what}");

        public Problem Fault(string key, string what) => At(values[key], what);

        public Problem At(YamlNode node, string what) => AgentYaml.At(label, node.Start, what);

        public string? Text(string key) => values.TryGetValue(key, out var node) ? TextOf(key, node) : null;

        public string? Text(string key, Regex form, string wanted) =>
            Text(key) is not { } text || form.IsMatch(text)
                ? Text(key)
                : throw Fault(key, $"'{key}' is '{Shown(text)}'; it can be {wanted}");

        public string? Scalar(string key) => values.TryGetValue(key, out var node) ? ScalarOf(key, node) : null;

        public int? Number(string key, int least, int most, string wanted) =>
            Scalar(key) is not { } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least
            && number <= most
                ? number
            : throw Fault(
                key,
                string.Create(CultureInfo.InvariantCulture, $"'{key}' is {wanted}, from {least} to {most}")
            );

        /// <summary>A text, a number or a truth value, as it is written.</summary>
        public string ScalarOf(string key, YamlNode node) =>
            node is YamlScalarNode { Value: { } value } && !IsNothing(node)
                ? value
                : throw At(node, $"'{Shown(key)}' wants a text, a number or true or false");

        public string? File(string key, IReadOnlySet<string> files)
        {
            if (Text(key) is not { } file)
                return null;
            if (Path.GetFileName(file) != file || file is "." or ".." || file.StartsWith('.'))
                throw Fault(key, $"'{key}' wants the name of a file beside {FileName}, without '/'");
            return files.Contains(file)
                ? file
                : throw Fault(key, $"there is no file '{Shown(file)}' beside {FileName}; add it, or mend the name");
        }

        public List<string>? List(string key, Func<string, string?>? fault = null)
        {
            if (!values.TryGetValue(key, out var node))
                return null;
            if (node is not YamlSequenceNode list)
                throw At(node, $"'{key}' wants a list, such as {key}: [one, two]");
            if (list.Children.Count > MaxEntries)
                throw At(node, $"'{key}' may have {MaxEntries} entries");
            List<string> texts = [];
            foreach (var child in list.Children)
            {
                var text = TextOf(key, child);
                texts.Add(
                    fault?.Invoke(text) is not { } wrong ? text : throw At(child, $"'{Shown(text)}' in '{key}' {wrong}")
                );
            }

            return texts;
        }

        public Section? Inner(string key, string[] known) =>
            values.TryGetValue(key, out var node) ? new Section(label, $"'{key}'", node, known) : null;

        public IEnumerable<(string Name, YamlNode Value)> Entries(string key) =>
            values.TryGetValue(key, out var node) ? Pairs($"'{key}'", node) : [];

        public Dictionary<string, T> Map<T>(string key, Regex form, string rule, Func<Section, T> read)
        {
            Dictionary<string, T> map = [];
            foreach (var (entry, node) in Entries(key))
            {
                if (!form.IsMatch(entry))
                    throw At(node, $"'{Shown(entry)}' in '{key}': {rule}");
                map[entry] = read(
                    new Section(label, $"'{key}.{entry}'", node, key == Keys.Inputs ? Keys.OfInput : Keys.OfServer)
                );
            }

            return map;
        }

        private string TextOf(string key, YamlNode node)
        {
            if (node is not YamlScalarNode { Value: { } value } scalar)
                throw At(node, $"'{key}' wants a text");
            if (scalar.Style == ScalarStyle.Plain && NoText().IsMatch(value))
                throw At(
                    node,
                    value.Length == 0
                        ? $"'{key}' is empty; give it a value, or leave it out"
                        : $"'{key}' wants a text, and YAML takes this for something else; write it in quotes: \"{Shown(value)}\""
                );
            return value.Length > 0 && !value.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))
                ? value
                : throw At(node, $"'{key}' is empty or holds control characters");
        }

        private IEnumerable<(string, YamlNode)> Pairs(string what, YamlNode? node)
        {
            if (node is null)
                yield break;
            if (node is not YamlMappingNode map)
                throw At(node, $"{what} wants keys and values, such as key: value");
            if (map.Children.Count > MaxEntries)
                throw At(node, $"{what} may have {MaxEntries} entries");
            foreach (var (key, value) in map.Children)
                yield return (
                    key is YamlScalarNode { Value: { } text } ? text : throw At(key, $"a key of {what} must be a text"),
                    value
                );
        }

        private static YamlNode KeyOf(YamlNode node, string key) =>
            ((YamlMappingNode)node).Children.Keys.First(k => k is YamlScalarNode scalar && scalar.Value == key);
    }
}
