using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Yaml;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Reads <c>agent.yaml</c>, strictly, because an agent may have written it. <c>docs/agent.schema.json</c> holds the
/// same rules for editors.
/// </summary>
internal sealed partial class AgentYaml(InputUrls urls, IAgentNames names)
{
    public const string FileName = "agent.yaml";

    /// <summary>The largest file, in bytes.</summary>
    public const int MaxBytes = 64 << 10;

    private const long MinSize = 64L << 20;
    private const long MaxSize = 16L << 40;
    private const int MaxCpuPercent = 100_000;
    private const int MaxIdleSeconds = 7 * 24 * 60 * 60;
    private const int MaxCompactAtTokens = 100_000_000;
    private static readonly string[] Units = ["B", "K", "M", "G", "T"];

    // Variables that Hive sets, and those that make a program load code before it runs.
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

    /// <summary>Reads and checks the file.</summary>
    /// <param name="label">The file's name in errors.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="files">The names of the files beside it.</param>
    /// <exception cref="Problem">Code <c>invalid</c>; the message names the file, the line and the fix.</exception>
    public AgentConfig Read(string label, ReadOnlyMemory<byte> content, IReadOnlySet<string> files) =>
        StrictYaml.Read(label, content, MaxBytes, Keys.All, file => Read(file, files));

    private AgentConfig Read(YamlSection file, IReadOnlySet<string> files) =>
        new(
            file.Text(Keys.Driver, DriverName(), "a driver's name, such as scripted"),
            file.Text(Keys.Model),
            FileBeside(file, Keys.Script, files),
            FileBeside(file, Keys.Role, files),
            file.List(Keys.Tools),
            file.List(
                Keys.Recipients,
                r =>
                    r is Principals.Everyone or Principals.Operator || names.IsWellFormed(r)
                        ? null
                        : "is not a valid agent name, 'operator' or '*'"
            ),
            file.Map(
                Keys.McpServers,
                ServerName(),
                "a server's name has letters, digits, '-' and '_', and is not 'hive'",
                Keys.OfServer,
                Server
            ),
            Variables(file, Keys.Environment),
            Limits(file.Inner(Keys.Limits, Keys.OfLimits)),
            Network(file, out var hosts),
            hosts,
            file.Text(Keys.Restart, RestartRule(), "'on-failure' or 'never'") != "never",
            Driving(file),
            file.Map(
                Keys.Inputs,
                InputName(),
                "an input's name has a-z, 0-9 and '-', begins with a letter, ends with a letter or digit, and "
                    + "has at most 31 characters",
                Keys.OfInput,
                Input
            ),
            Work(file)
        );

    private static AgentNetwork Network(YamlSection file, out EgressRules? hosts)
    {
        const string Words = "'outbound', 'none', 'host' or a list of hosts, such as {allow: [api.example.org]}";
        hosts = null;
        if (file.IsList(Keys.Network))
            throw file.Fault(Keys.Network, $"'network' is a list; it can be {Words}");
        if (!file.IsMapping(Keys.Network))
            return file.Text(Keys.Network, NetworkWord(), Words) switch
            {
                "none" => AgentNetwork.None,
                "host" => AgentNetwork.Host,
                _ => AgentNetwork.Outbound,
            };
        var network = file.Inner(Keys.Network, Keys.OfNetwork)!;
        List<EgressEntry> entries = [];
        foreach (var key in Keys.OfNetwork)
        {
            var given = network.List(key, host => Entry(entries, host, key == Keys.Private));
            if (given is [])
                throw network.Fault(key, $"'{key}' is empty; name a host, or write 'network: none'");
        }

        if (entries.Count == 0)
            throw network.Fault($"has no '{Keys.Allow}'; name a host, or write 'network: none'");
        hosts = new EgressRules(entries);
        return AgentNetwork.None;
    }

    private static string? Entry(List<EgressEntry> entries, string host, bool mayBePrivate)
    {
        if (EgressEntry.Read(host, mayBePrivate, out var entry) is { } fault)
            return fault;
        if (entries.Any(e => e.Pattern == entry!.Pattern && e.Port == entry.Port))
            return "is listed twice; remove one";
        entries.Add(entry!);
        return null;
    }

    private static AgentWork Work(YamlSection file) =>
        new(
            file.Text(Keys.Duty, DutyWord(), WorkWords.Duties) is { } duty
                ? WorkWords.DutyOf(duty) ?? Duty.None
                : Duty.None,
            Words(file, Keys.Capabilities),
            file.Number(Keys.Capacity, 1, AgentWork.MaxCapacity, "a whole number of tasks at once") ?? 1,
            file.List(Keys.Phases, WorkWords.PhaseFault) is not [] and var phases
                ? phases?.Distinct(StringComparer.Ordinal).ToArray()
                : throw file.Fault(Keys.Phases, "'phases' is empty; name a phase, or leave it out for all"),
            Words(file, Keys.Tags)
        );

    private static IReadOnlyList<string> Words(YamlSection file, string key) =>
        WorkWords.Normalise(file.List(key, WorkWords.Fault) ?? []) is { Count: <= WorkWords.Most } words
            ? words
            : throw file.Fault(key, $"'{key}' may have {WorkWords.Most} entries");

    // Checked here and used by the harness, which reads the same file.
    private static DriverSettings Driving(YamlSection file) =>
        new(
            file.List(Keys.Command) is not [] and var command
                ? command
                : throw file.Fault(Keys.Command, "'command' is empty; name the program, or leave it out"),
            file.List(Keys.LoginCommand) is not [] and var login
                ? login
                : throw file.Fault(Keys.LoginCommand, "'login_command' is empty; name the program, or leave it out"),
            file.Number(Keys.IdleSeconds, 1, MaxIdleSeconds, "a whole number of seconds"),
            file.Number(Keys.CompactAtTokens, 0, MaxCompactAtTokens, "a whole number of tokens, or 0 for never"),
            file.Text(Keys.Conversation, ConversationWord(), "'ticket' or 'agent'")
        );

    private static McpServer Server(YamlSection server) =>
        new(
            server.Text(Keys.Command) ?? throw server.Fault("has no 'command'; name the program to run"),
            server.List(Keys.Args) ?? [],
            Variables(server, Keys.Env),
            server.List(Keys.AllowedTools) ?? ["*"]
        );

    private InputSource Input(YamlSection input)
    {
        var url = input.Text(Keys.Url) ?? throw input.Fault("has no 'url'; name the repository");
        if (urls.Fault(url) is { } fault)
            throw input.Fault(Keys.Url, $"the url {fault}");
        var reference = input.Text(Keys.Ref);
        if (reference is not null && !IsReference(reference))
            throw input.Fault(
                Keys.Ref,
                "'ref' must be a branch, a tag or a full commit id, such as main, v1.2 or 40 hexadecimal digits"
            );
        return new InputSource(url, reference);
    }

    private static AgentLimits Limits(YamlSection? limits)
    {
        if (limits is null)
            return AgentLimits.Default;
        var (memory, cpu) = (AgentLimits.Default.MemoryBytes, AgentLimits.Default.CpuPercent);
        if (limits.Scalar(Keys.Memory) is { } size)
            memory = Size(limits, Keys.Memory, size, "2 GB");
        if (limits.Scalar(Keys.CpuPercent) is { } percent)
        {
            cpu =
                int.TryParse(percent, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value is >= 1 and <= MaxCpuPercent
                    ? value
                    : throw limits.Fault(
                        Keys.CpuPercent,
                        $"'cpu_percent' must be a whole number from 1 to {MaxCpuPercent}; 100 is one processor"
                    );
        }

        var disk = limits.Scalar(Keys.Disk) is { } room ? Size(limits, Keys.Disk, room, "20 GB") : (long?)null;
        return new AgentLimits(memory, cpu, disk);
    }

    private static long Size(YamlSection limits, string key, string value, string example) =>
        Bytes(value) is { } bytes and >= MinSize and <= MaxSize
            ? bytes
            : throw limits.Fault(
                key,
                $"'{key}' must be a size from 64 MB to 16 TB, such as {example}, or a number of bytes"
            );

    // Each unit is 1024 of the smaller one, as in systemd and in container runtimes.
    private static long? Bytes(string size)
    {
        var form = SizeForm().Match(size);
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
        return bytes <= MaxSize ? (long)bytes : null;
    }

    private static Dictionary<string, string> Variables(YamlSection section, string key) =>
        section.Scalars(
            key,
            name =>
                !VariableName().IsMatch(name)
                    ? "is not a valid variable name; use letters, digits and '_', and do not begin with a digit"
                : OwnVariables.Contains(name) || OwnPrefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal))
                    ? "is set by Hive and cannot be set here"
                : null
        );

    private static string? FileBeside(YamlSection section, string key, IReadOnlySet<string> files)
    {
        if (section.Text(key) is not { } file)
            return null;
        if (Path.GetFileName(file) != file || file is "." or ".." || file.StartsWith('.'))
            throw section.Fault(key, $"'{key}' must be the name of a file beside {FileName}, without '/'");
        return files.Contains(file)
            ? file
            : throw section.Fault(
                key,
                $"file '{YamlSection.Shown(file)}' not found beside {FileName}; add it, or fix the name"
            );
    }

    // The rules of git-check-ref-format(1), without anything that could be taken for an option.
    private static bool IsReference(string text) =>
        Reference().IsMatch(text)
        && !text.Contains("..", StringComparison.Ordinal)
        && !text.Contains("//", StringComparison.Ordinal)
        && !text.Contains("/.", StringComparison.Ordinal)
        && !text.EndsWith(".lock", StringComparison.Ordinal)
        && text[^1] is not ('/' or '.')
        && !text.Contains(".lock/", StringComparison.Ordinal);

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,30}\z")]
    private static partial Regex DriverName();

    [GeneratedRegex(@"\A(on-failure|never)\z")]
    private static partial Regex RestartRule();

    [GeneratedRegex(@"\A(outbound|none|host)\z")]
    private static partial Regex NetworkWord();

    [GeneratedRegex(@"\A(ticket|agent)\z")]
    private static partial Regex ConversationWord();

    [GeneratedRegex(@"\A(worker|validator)\z")]
    private static partial Regex DutyWord();

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
    private static partial Regex SizeForm();

    /// <summary>The keys of the file.</summary>
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
            Network = "network",
            Restart = "restart",
            Inputs = "inputs",
            Memory = "memory",
            CpuPercent = "cpu_percent",
            Disk = "disk",
            Url = "url",
            Ref = "ref",
            Command = "command",
            Args = "args",
            Env = "env",
            AllowedTools = "allowed_tools",
            LoginCommand = "login_command",
            IdleSeconds = "idle_seconds",
            CompactAtTokens = "compact_at_tokens",
            Conversation = "conversation",
            Duty = "duty",
            Capabilities = "capabilities",
            Capacity = "capacity",
            Phases = "phases",
            Tags = "tags",
            Allow = "allow",
            Private = "private";

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
            Conversation,
            Recipients,
            McpServers,
            Environment,
            Limits,
            Network,
            Restart,
            Inputs,
            Duty,
            Capabilities,
            Capacity,
            Phases,
            Tags,
        ];
        public static readonly string[] OfLimits = [Memory, CpuPercent, Disk];
        public static readonly string[] OfNetwork = [Allow, Private];
        public static readonly string[] OfInput = [Url, Ref];
        public static readonly string[] OfServer = [Command, Args, Env, AllowedTools];
    }
}
