using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Yaml;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>Reads <c>agent.yaml</c>, strictly: who writes it may be an agent. <c>docs/agent.schema.json</c> says the
/// same to editors.</summary>
internal sealed partial class AgentYaml(InputUrls urls, IAgentNames names)
{
    public const string FileName = "agent.yaml";

    /// <summary>The whole file.</summary>
    public const int MaxBytes = 64 << 10;

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
                        : "is no agent's name, nor 'operator', nor '*'"
            ),
            file.Map(
                Keys.McpServers,
                ServerName(),
                "the name of a server has letters, digits, '-' and '_', and is not 'hive'",
                Keys.OfServer,
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
                Keys.OfInput,
                Input
            )
        );

    // For the harness, which reads the same file.
    private static DriverSettings Driving(YamlSection file) =>
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
                "'ref' is a branch, a tag or a whole commit, such as main, v1.2 or 40 hexadecimal digits"
            );
        return new InputSource(url, reference);
    }

    private static AgentLimits Limits(YamlSection? limits)
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
                $"there is no file '{YamlSection.Shown(file)}' beside {FileName}; add it, or fix the name"
            );
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
}
