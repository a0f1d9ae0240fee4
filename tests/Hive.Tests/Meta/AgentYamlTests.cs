using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Egress.Contracts;
using Hive.Features.Meta;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Tests.Meta;

public sealed class AgentYamlTests
{
    private static readonly HashSet<string> Files = ["agent.yaml", "script.yaml", "role.md"];

    [Fact]
    public void The_documented_example_reads_as_its_comments_say()
    {
        var example = Regex
            .Match(File.ReadAllText(Docs("agent-yaml.md")), "```yaml\n(.*?)```", RegexOptions.Singleline)
            .Groups[1]
            .Value;
        var config = Read(example);
        Assert.Equal(
            ("scripted", "small", "script.yaml", "role.md", false),
            (config.Driver, config.Model, config.Script, config.Role, config.RestartsOnFailure)
        );
        Assert.Equal(["Read", "Edit", "Bash(git *)"], config.Tools);
        Assert.Equal(["operator", "bob"], config.Recipients);
        Assert.Equal(["my-agent", "--once"], config.Driving.Command);
        Assert.Equal(["claude", "auth", "login", "--console"], config.Driving.LoginCommand);
        Assert.Equal((600, 100_000), (config.Driving.IdleSeconds, config.Driving.CompactAtTokens));
        Assert.Equal("agent", config.Driving.Conversation);
        var server = Assert.Single(config.McpServers);
        Assert.Equal("tracker", server.Key);
        Assert.Equal(("npx", "https://tracker.example"), (server.Value.Command, server.Value.Env["TRACKER_URL"]));
        Assert.Equal(["search", "comment"], server.Value.AllowedTools);
        Assert.Equal("8080", config.Environment["PORT"]);
        Assert.Equal(new AgentLimits(2L << 30, 150, 20L << 30), config.Limits);
        Assert.Equal(AgentNetwork.Outbound, config.Network);
        Assert.Equal(new InputSource("https://example.org/team/skills.git", "main"), config.Inputs["skills"]);
        Assert.Equal(
            new AgentWork(Duty.Worker, ["csharp", "testing"], 2, ["PHASE_IMPLEMENTATION"], ["night"]),
            config.Work
        );
        Assert.All(
            Properties(Schema.GetProperty("properties")),
            key => Assert.Contains(key, example, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("# nothing\n")]
    [InlineData("~")]
    [InlineData("{}")]
    [InlineData("\uFEFF# begins with a mark")]
    public void An_empty_file_means_all_defaults(string text)
    {
        var config = Read(text);
        Assert.Null(config.Driver);
        Assert.Null(config.Recipients);
        Assert.True(config.RestartsOnFailure);
        Assert.Equal(AgentLimits.Default, config.Limits);
        Assert.Empty(config.Inputs);
        Assert.Equal(AgentWork.None, config.Work);
    }

    [Fact]
    public void Capabilities_and_tags_are_trimmed_lowered_and_kept_once()
    {
        var config = Read("capabilities: [' CSharp ', testing, csharp, '  ']\ntags: [Night, NIGHT]");
        Assert.Equal(["csharp", "testing"], config.Work.Capabilities);
        Assert.Equal(["night"], config.Work.Tags);
    }

    [Theory]
    [InlineData("capabilities")]
    [InlineData("tags")]
    public void Fifty_words_of_fifty_characters_are_the_most(string key)
    {
        Assert.Equal(50, Count(Read(List(50, 50)).Work));
        Assert.Contains(
            $"'{key}' may have 50 entries",
            Assert.Throws<Problem>(() => Read(List(51, 50))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"in '{key}' is longer than 50 characters",
            Assert.Throws<Problem>(() => Read(List(1, 51))).Message,
            StringComparison.Ordinal
        );

        int Count(AgentWork work) => (key == "tags" ? work.Tags : work.Capabilities).Count;

        string List(int count, int length) =>
            $"{key}: [{string.Join(", ", Enumerable.Range(0, count).Select(i => $"w{i}".PadRight(length, 'x')))}]";
    }

    [Theory]
    [InlineData("modle: x", 1, "unknown key 'modle' in the file; did you mean model")]
    [InlineData(
        "model: x\nqqqqqqqq: 1",
        2,
        "available: driver, model, script, role, tools, command, login_command, idle_seconds, "
            + "compact_at_tokens, conversation, recipients, mcp_servers, environment, limits, network, restart, "
            + "inputs, duty, capabilities, capacity, phases, tags"
    )]
    [InlineData("limits:\n  memroy: 2 GB", 2, "unknown key 'memroy' in 'limits'; did you mean memory?")]
    [InlineData("inputs:\n  skills:\n    url: https://a.b/c\n    reff: x", 4, "did you mean ref?")]
    [InlineData("mcp_servers:\n  a:\n    command: x\n    argv: []", 4, "did you mean args")]
    [InlineData("model: [a]", 1, "'model' must be a string")]
    [InlineData("model: 5", 1, "write it in quotes: \"5\"")]
    [InlineData("model: true", 1, "write it in quotes: \"true\"")]
    [InlineData("model:", 1, "'model' is empty")]
    [InlineData("tools: Read", 1, "must be a list, such as tools: [one, two]")]
    [InlineData("tools: [a, [b]]", 1, "'tools' must be a string")]
    [InlineData("command: []", 1, "'command' is empty")]
    [InlineData("command: claude", 1, "must be a list, such as command: [one, two]")]
    [InlineData("idle_seconds: 0", 1, "'idle_seconds' must be a whole number of seconds, from 1 to 604800")]
    [InlineData(
        "compact_at_tokens: many",
        1,
        "'compact_at_tokens' must be a whole number of tokens, or 0 for never, from 0 to 100000000"
    )]
    [InlineData("conversation: task", 1, "'conversation' is 'task'; it can be 'ticket' or 'agent'")]
    [InlineData("recipients: [Bob]", 1, "'Bob' in 'recipients' is not a valid agent name")]
    [InlineData("environment: [a]", 1, "'environment' must hold keys and values")]
    [InlineData("environment: { PATH: /x }", 1, "'PATH' is set by Hive")]
    [InlineData("environment: { HIVE_SOCKET: /x }", 1, "'HIVE_SOCKET' is set by Hive")]
    [InlineData("environment: { LD_PRELOAD: /x }", 1, "'LD_PRELOAD' is set by Hive")]
    [InlineData("environment: { \"a=b\": /x }", 1, "is not a valid variable name")]
    [InlineData("environment: { A: [1] }", 1, "'A' must be a string, a number or true or false")]
    [InlineData("limits: { memory: lots }", 1, "a size from 64 MB to 16 TB")]
    [InlineData("limits: { memory: 1 MB }", 1, "a size from 64 MB to 16 TB")]
    [InlineData("limits: { memory: 999999999999999 TB }", 1, "a size from 64 MB to 16 TB")]
    [InlineData("limits: { disk: 63 MB }", 1, "'disk' must be a size from 64 MB to 16 TB, such as 20 GB")]
    [InlineData("limits: { disk: -1 }", 1, "a size from 64 MB to 16 TB")]
    [InlineData("limits: { disk: { state: 1 GB } }", 1, "'disk'")]
    [InlineData("limits: { cpu_percent: 0 }", 1, "whole number from 1 to")]
    [InlineData("limits: { cpu_percent: -5 }", 1, "whole number from 1 to")]
    [InlineData("limits: { cpu_percent: 1.5 }", 1, "whole number from 1 to")]
    [InlineData("restart: always", 1, "'restart' is 'always'; it can be 'on-failure' or 'never'")]
    [InlineData("network: lan", 1, "'network' is 'lan'; it can be 'outbound', 'none', 'host' or a list of hosts")]
    [InlineData("model: x\nnetwork: [a.example]", 2, "'network' is a list; it can be 'outbound'")]
    [InlineData("network: true", 1, "network")]
    [InlineData("network: {}", 1, "'network' has no 'allow'; name a host, or write 'network: none'")]
    [InlineData("network: { allow: [] }", 1, "'allow' is empty; name a host, or write 'network: none'")]
    [InlineData("network: { allow: a.example }", 1, "'allow' must be a list, such as allow: [one, two]")]
    [InlineData("network: { allow: { a: b } }", 1, "'allow' must be a list")]
    [InlineData("network: { allow: [5] }", 1, "write it in quotes: \"5\"")]
    [InlineData("network: { allow: ['5'] }", 1, "'5' in 'allow' is not a host; write a name")]
    [InlineData("network: { allow: [[a.example]] }", 1, "'allow' must be a string")]
    [InlineData("network: { alow: [a.example] }", 1, "did you mean allow?")]
    [InlineData("network:\n  allow:\n  - a.example\n  - A.example", 4, "'A.example' in 'allow' is listed twice")]
    [InlineData("network: { allow: [a.example], private: [a.example.] }", 1, "in 'private' is listed twice")]
    [InlineData("network: { allow: ['https://a.example/x'] }", 1, "is a URL; write the host of it")]
    [InlineData("network: { allow: [a.example/x] }", 1, "is not a host")]
    [InlineData("network: { allow: [me@a.example] }", 1, "is not a host")]
    [InlineData("network: { allow: ['a b'] }", 1, "is not a host")]
    [InlineData("network: { allow: ['*'] }", 1, "would allow every host; write 'network: outbound'")]
    [InlineData("network: { allow: ['*.org'] }", 1, "covers too much; name two labels after '*.'")]
    [InlineData("network: { allow: ['a.*.org'] }", 1, "is not a host")]
    [InlineData("network: { allow: ['*.0.0.1'] }", 1, "is not a host")]
    [InlineData("network: { allow: ['a.example:0'] }", 1, "has an invalid port; write a number from 1 to 65535")]
    [InlineData("network: { allow: ['a.example:65536'] }", 1, "has an invalid port")]
    [InlineData("network: { allow: ['a.example:'] }", 1, "has an invalid port")]
    [InlineData("network: { allow: ['127.1'] }", 1, "is not a host")]
    [InlineData("network: { allow: ['0x7f.0.0.1'] }", 1, "is not a host")]
    [InlineData("network: { allow: [b\u00fccher.example] }", 1, "is not in ASCII; write xn--bcher-kva.example")]
    [InlineData("network: { private: [localhost] }", 1, "is the agent's own loopback, which needs no list")]
    [InlineData("network: { allow: [host.hive.internal] }", 1, "is the machine's loopback; list it under 'private'")]
    [InlineData("network: { allow: [127.0.0.1] }", 1, "is a loopback address; list it under 'private'")]
    [InlineData("network: { allow: [169.254.169.254] }", 1, "is a link-local address; list it under 'private'")]
    [InlineData("network: { allow: ['[::ffff:10.0.0.1]:80'] }", 1, "is a private address; list it under 'private'")]
    [InlineData("duty: boss", 1, "'duty' is 'boss'; it can be 'worker' or 'validator'")]
    [InlineData("duty: none", 1, "'duty' is 'none'; it can be 'worker' or 'validator'")]
    [InlineData("dutys: worker", 1, "did you mean duty")]
    [InlineData("capacity: 0", 1, "'capacity' must be a whole number of tasks at once, from 1 to 16")]
    [InlineData("capacity: 17", 1, "'capacity' must be a whole number of tasks at once, from 1 to 16")]
    [InlineData("capabilities: csharp", 1, "must be a list, such as capabilities: [one, two]")]
    [InlineData("tags:\n  - a\n  - 5", 3, "write it in quotes: \"5\"")]
    [InlineData("phases: [BACKLOG]", 1, "'BACKLOG' in 'phases' is not a phase's id, such as PHASE_IMPLEMENTATION")]
    [InlineData("phases: []", 1, "'phases' is empty; name a phase, or leave it out for all")]
    [InlineData("driver: ../x", 1, "it can be a driver's name")]
    [InlineData("script: ../x", 1, "without '/'")]
    [InlineData("script: .git", 1, "without '/'")]
    [InlineData("\nrole: other.md", 2, "file 'other.md' not found beside agent.yaml")]
    [InlineData("inputs: { skills: { ref: main } }", 1, "'inputs.skills' has no 'url'")]
    [InlineData("inputs: { ../x: { url: https://a.b/c } }", 1, "an input's name")]
    [InlineData("inputs: { skills: { url: https://a.b/c, ref: --upload-pack=x } }", 1, "'ref' must be a branch")]
    [InlineData("inputs: { skills: { url: https://a.b/c, ref: a..b } }", 1, "'ref' must be a branch")]
    [InlineData("inputs: { skills: { url: https://a.b/c, ref: \"a:b\" } }", 1, "'ref' must be a branch")]
    [InlineData("mcp_servers: { hive: { command: x } }", 1, "is not 'hive'")]
    [InlineData("mcp_servers: { a: { args: [] } }", 1, "has no 'command'")]
    [InlineData("a: &x [1]\nb: *x", 1, "anchors and aliases")]
    [InlineData("model: !!python/object x", 1, "tags ('!') are not supported")]
    [InlineData("model: a\n---\nmodel: b", 2, "second document")]
    [InlineData("- a", 1, "must hold keys and values")]
    [InlineData("model: a\nmodel: b", 2, "agent.yaml, line")]
    [InlineData("model: [", 1, "agent.yaml, line")]
    public void Errors_name_the_line_and_the_fix(string text, int line, string said)
    {
        var problem = Assert.Throws<Problem>(() => Read(text));
        Assert.Equal(ErrorCode.Invalid, problem.Code);
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
        Assert.Matches($"^agent.yaml, line ({line}|{line + 1}), column ", problem.Message);
    }

    [Fact]
    public void Oversized_nested_or_expanding_files_are_refused()
    {
        Assert.Equal(
            ErrorCode.TooLarge,
            Assert.Throws<Problem>(() => Read("model: " + new string('x', 10 << 20))).Code
        );
        Assert.Contains(
            "4096 characters",
            Assert.Throws<Problem>(() => Read("model: " + new string('x', 5000))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "nested too deeply",
            Assert.Throws<Problem>(() => Read("model: " + new string('[', 30_000))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "nested too deeply",
            Assert.Throws<Problem>(() => Read(string.Concat(Enumerable.Repeat("{a: ", 10_000)))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "100 entries",
            Assert.Throws<Problem>(() => Read($"tools: [{string.Join(", ", Enumerable.Repeat("x", 101))}]")).Message,
            StringComparison.Ordinal
        );
        var bomb =
            "a: &a [x, x, x, x]\n"
            + string.Concat(
                Enumerable
                    .Range(0, 20)
                    .Select(i => $"{(char)('b' + i)}: &{(char)('b' + i)} [*{(char)('a' + i)}, *{(char)('a' + i)}]\n")
            );
        Assert.Contains(
            "anchors and aliases",
            Assert.Throws<Problem>(() => Read(bomb)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is not UTF-8",
            Assert.Throws<Problem>(() => Yaml().Read("agent.yaml", new byte[] { 0xff, 0xfe, 0 }, Files)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("https://example.org/a.git")]
    [InlineData("https://example.org:8443/a/b")]
    [InlineData("ssh://git@example.org/a.git")]
    [InlineData("ssh://example.org:22/~/a.git")]
    [InlineData("git://127.0.0.1:9418/a")]
    [InlineData("https://[::1]/a", "names a transport")]
    [InlineData("file:///srv/git/skills")]
    [InlineData("/srv/git/skills")]
    [InlineData("https://user:secret@example.org/a", "contains a password")]
    [InlineData("https://secret@example.org/a", "contains a user name")]
    [InlineData("https://:secret@example.org/a", "contains a password")]
    [InlineData("ssh://git:secret@example.org/a", "contains a password")]
    [InlineData("git://secret@example.org/a", "contains a user name")]
    [InlineData("https://example.org/a?token=secret", "must be https://")]
    [InlineData("https://example.org/a#secret", "must be https://")]
    [InlineData("http://example.org/a", "must be https://")]
    [InlineData("ext::sh -c secret", "visible ASCII")]
    [InlineData("ext::secret", "names a transport")]
    [InlineData("transport::address", "names a transport")]
    [InlineData("git@example.org:secret/a", "ssh://user@host/path")]
    [InlineData("-secret", "must be https://")]
    [InlineData("--upload-pack=secret", "must be https://")]
    [InlineData("ssh://-oProxyCommand=secret/a", "must be https://")]
    [InlineData("https:///a", "must be https://")]
    [InlineData("file:///etc/secret", "is outside the folders")]
    [InlineData("file:///srv/git/../secret", "absolute path")]
    [InlineData("file:///srv/gitsecret", "is outside the folders")]
    [InlineData("file:///srv/git/%2e%2e/secret", "absolute path")]
    [InlineData("file:///srv/git/data/agents/x/config", "is outside the folders")]
    [InlineData("file://host/srv/git/secret", "absolute path")]
    [InlineData("../secret", "must be https://")]
    [InlineData("secret", "must be https://")]
    public void Only_safe_urls_are_accepted_and_refused_ones_are_not_repeated(string url, string? said = null)
    {
        var yaml = Yaml("/srv/git", "/other");
        var text = $"inputs:\n  skills:\n    url: \"{url}\"\n";
        if (said is null)
        {
            Assert.Equal(url, yaml.Read("agent.yaml", Encoding.UTF8.GetBytes(text), Files).Inputs["skills"].Url);
            return;
        }

        var problem = Assert.Throws<Problem>(() => yaml.Read("agent.yaml", Encoding.UTF8.GetBytes(text), Files));
        Assert.Contains("agent.yaml, line 3, ", problem.Message, StringComparison.Ordinal);
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_allowed_folders_a_path_is_refused_and_the_error_names_the_option()
    {
        var problem = Assert.Throws<Problem>(() => Read("inputs: { skills: { url: file:///srv/git/skills } }"));
        Assert.Contains("Inputs:AllowedPaths", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ allow: [a.example] }", "a.example:443 a.example:80", "a.example:8443 b.example:443")]
    [InlineData("{ allow: ['*.a.example:8443'] }", "x.y.a.example:8443", "a.example:8443 x.a.example:443")]
    [InlineData("{ allow: [A.Example., 8.8.8.8] }", "a.example:443 8.8.8.8:80", "8.8.4.4:80")]
    [InlineData("{ private: ['[FD00::0001]:81', 10.0.0.1] }", "fd00::1:81 10.0.0.1:80", "fd00::1:80")]
    [InlineData("{ allow: [a.example], private: ['a.example:81'] }", "a.example:81 a.example:80", "a.example:82")]
    public void A_list_of_hosts_allows_these_and_no_others(string network, string allowed, string refused)
    {
        var config = Read($"network: {network}");
        Assert.Equal(AgentNetwork.None, config.Network);
        Assert.All(allowed.Split(' '), target => Assert.NotNull(Find(target)));
        Assert.All(refused.Split(' '), target => Assert.Null(Find(target)));

        EgressEntry? Find(string target) =>
            config.Hosts!.Find(
                target[..target.LastIndexOf(':')],
                int.Parse(target[(target.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture)
            );
    }

    [Theory]
    [InlineData("64MB", 64L << 20)]
    [InlineData("2 GB", 2L << 30)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData("512m", 512L << 20)]
    [InlineData("1073741824", 1L << 30)]
    [InlineData("1073741824 B", 1L << 30)]
    [InlineData("16T", 16L << 40)]
    public void A_size_has_a_unit_or_is_in_bytes(string size, long bytes) =>
        Assert.Equal(bytes, Read($"limits: {{ memory: {size} }}").Limits.MemoryBytes);

    /// <summary>The schema for editors and the reader agree on the keys, and on the values that each accepts.</summary>
    [Fact]
    public void The_schema_for_editors_agrees_with_the_reader()
    {
        var compared = 0;
        Compare(Schema, [], text => text);
        Assert.True(compared > 20);

        void Compare(JsonElement level, string[] path, Func<string, string> around)
        {
            Assert.False(level.GetProperty("additionalProperties").GetBoolean());
            var unknown = Assert.Throws<Problem>(() => Read(around("\"qqqqqqqqqqqqq\": 1"))).Message;
            Assert.EndsWith(
                $"available: {string.Join(", ", Properties(level.GetProperty("properties")))}",
                unknown,
                StringComparison.Ordinal
            );
            foreach (var property in level.GetProperty("properties").EnumerateObject())
            {
                var needed =
                    level.TryGetProperty("required", out var required)
                    && required[0].GetString() is { } key
                    && key != property.Name
                        ? $"\"{key}\": {FirstExample(level, key)}, "
                        : "";
                string With(string value) => around($"{needed}\"{property.Name}\": {value}");
                foreach (var example in property.Value.GetProperty("examples").EnumerateArray())
                    Read(With(example.GetRawText()));
                var types = TypesOf(property.Value);
                foreach (
                    var (type, value) in new[]
                    {
                        ("string", "\"\u00fc:/ \""),
                        ("integer", "-1"),
                        ("boolean", "true"),
                        ("array", "[[]]"),
                        ("object", "{\"/\": 1}"),
                        ("null", "null"),
                    }
                )
                {
                    // A value of the right type is still invalid when the property has a rule for values.
                    if (types.Contains(type) && !HasRule(property.Value))
                        Read(With(value));
                    else
                        Assert.Throws<Problem>(() => Read(With(value)));
                    compared++;
                }

                if (property.Value.TryGetProperty("enum", out _))
                    continue;
                if (property.Value.TryGetProperty("properties", out _))
                    Compare(property.Value, [.. path, property.Name], inner => With($"{{{inner}}}"));
                else if (
                    property.Value.TryGetProperty("additionalProperties", out var each)
                    && each.TryGetProperty("properties", out _)
                )
                    Compare(each, [.. path, property.Name, "x"], inner => With($"{{\"x\": {{{inner}}}}}"));
            }
        }

        static string FirstExample(JsonElement level, string key) =>
            level.GetProperty("properties").GetProperty(key).GetProperty("examples")[0].GetRawText();

        static bool HasRule(JsonElement property) =>
            property.TryGetProperty("pattern", out _)
            || property.TryGetProperty("enum", out _)
            || property.TryGetProperty("minimum", out _)
            || !TypesOf(property).Contains("string")
            || Resolved(property).TryGetProperty("pattern", out _);
    }

    internal static JsonElement Schema { get; } = JsonElement.Parse(File.ReadAllText(Docs("agent.schema.json")));

    internal static AgentYaml Yaml(params string[] allowedPaths) =>
        new(
            new InputUrls(
                new HiveOptions { Inputs = new InputsOptions { AllowedPaths = allowedPaths } },
                HivePaths.Find("/srv/git/data", "/run/x")
            ),
            new AgentNames()
        );

    private static AgentConfig Read(string text) => Yaml().Read("agent.yaml", Encoding.UTF8.GetBytes(text), Files);

    private static IEnumerable<string> Properties(JsonElement properties) =>
        properties.EnumerateObject().Select(p => p.Name);

    private static JsonElement Resolved(JsonElement property) =>
        property.TryGetProperty("$ref", out var reference)
            ? Schema.GetProperty("$defs").GetProperty(reference.GetString()!.Split('/')[^1])
            : property;

    private static string[] TypesOf(JsonElement property) =>
        Resolved(property).GetProperty("type") is { ValueKind: JsonValueKind.Array } several
            ? [.. several.EnumerateArray().Select(t => t.GetString()!)]
            : [Resolved(property).GetProperty("type").GetString()!];

    private static string Docs(string file)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Hive.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "docs", file);
    }
}
