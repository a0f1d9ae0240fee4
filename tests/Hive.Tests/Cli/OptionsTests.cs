using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Features.Containers.Lifecycle;
using Hive.Host;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes;
using Hive.Tests.Common;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Cli;

/// <summary>Every option, wherever it can be given, and every document that lists them.</summary>
public sealed class OptionsTests : IDisposable
{
    private const string TableBegins = "<!-- options: begin; generated, see docs/options.md -->\n";
    private const string TableEnds = "<!-- options: end -->\n";

    private readonly string folder = Directory.CreateTempSubdirectory("hive-options-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Run => Path.Combine(folder, "run");

    private string Settings => Path.Combine(Data, "hive.json");

    public OptionsTests()
    {
        Directory.CreateDirectory(Data);
        Directory.CreateDirectory(Path.Combine(folder, "root", "usr"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_option_works_as_a_flag_in_both_spellings_as_a_variable_and_in_hive_json()
    {
        Assert.True(HiveOption.All.Count >= 20, "the tree of options was not read");
        foreach (var option in HiveOption.All)
        {
            var value = Sample(option);
            Was(option, value, Read([option.Flag, value]));
            Was(option, value, Read([$"{option.Flag}={value}"]));
            Was(option, value, Read([$"--{option.Key}", value]));
            Was(option, value, Read([], (option.Variable, value)));
            if (option.Key == "DataDir")
                continue;
            Was(option, value, ReadFile(new JsonObject { [option.Key] = value }));
            var names = option.Key.Split(':').Reverse();
            Was(
                option,
                value,
                ReadFile(names.Aggregate((JsonNode)value, (inner, name) => new JsonObject { [name] = inner }))
            );
        }
    }

    [Fact]
    public void Every_option_can_be_set_to_its_default_and_to_both_ends_of_its_range()
    {
        foreach (var option in HiveOption.All.Where(o => o.Key is not ("DataDir" or "RunDir")))
        {
            foreach (var (text, value) in Values(option))
            {
                Is(option, value, Read([option.Flag, text]));
                Is(option, value, Read([], (option.Variable, text)));
                Is(option, value, ReadFile(new JsonObject { [option.Key] = text }));
                if (option.Kind is OptionKind.Seconds or OptionKind.Decimal)
                    Is(option, value, ReadFile(new JsonObject { [option.Key] = JsonNode.Parse(text) }));
            }
        }

        static void Is(HiveOption option, object value, ReadOptions read)
        {
            Assert.True(read.Faults.Count == 0, string.Join('\n', read.Faults));
            Assert.Equal(value, option.ValueIn(read.Options));
        }
    }

    private static IEnumerable<(string Text, object Value)> Values(HiveOption option)
    {
        const int Day = 24 * 60 * 60;
        if (option.ValueIn(new HiveOptions()) is { } otherwise)
        {
            var text = otherwise switch
            {
                bool value => value ? "true" : "false",
                IEnumerable<string> list => string.Join(';', list),
                IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
                var value => value.ToString()!,
            };
            // Nothing is the same as not to give the option.
            if (text.Length > 0)
                yield return (text, otherwise);
        }

        foreach (
            var end in option.Kind == OptionKind.Seconds ? [option.Least, Day] : (int[])[option.Least, option.Most]
        )
        {
            var text = end.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (option.Kind == OptionKind.Seconds)
                yield return (text, end);
            else if (option.Kind == OptionKind.Decimal)
                yield return (text, (decimal)end);
        }
    }

    [Fact]
    [Long]
    public async Task Doctor_takes_every_flag_of_up()
    {
        var checkup = await Built.HiveAsync(["doctor", "--json", .. EveryFlag()]);
        Assert.DoesNotContain("\"settings\"", checkup.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_becomes_the_host_and_keeps_secrets_off_its_command_line()
    {
        using var host = Built.Start(Built.Command, ["up", .. EveryFlag()]);
        _ = host.StandardError.ReadToEndAsync();
        _ = host.StandardOutput.ReadToEndAsync();
        await RunningHive.AnswersAsync(Run, host.WaitForExitAsync());
        var program = await File.ReadAllTextAsync($"/proc/{host.Id}/comm");
        var line = await File.ReadAllTextAsync($"/proc/{host.Id}/cmdline");
        var environment = await File.ReadAllTextAsync($"/proc/{host.Id}/environ");
        host.Kill();
        await host.WaitForExitAsync();

        var user = HiveOption.All.Single(o => o.Key == "Forge:User");
        Assert.Contains($"--forge-user={Sample(user)}\0", line, StringComparison.Ordinal);
        var secrets = HiveOption.All.Where(o => o.IsSecret);
        Assert.All(secrets, o => Assert.DoesNotContain(Sample(o), line, StringComparison.Ordinal));
        Assert.Equal("hive-host", program.Trim());
        string[] settings =
        [
            "TieredPGO=1",
            "GCgen0size=0x2000000",
            "SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1",
            "ThreadPool_UnfairSemaphoreSpinLimit=0",
        ];
        Assert.All(settings, setting => Assert.Contains($"DOTNET_{setting}\0", environment, StringComparison.Ordinal));
    }

    [Fact]
    public void A_flag_wins_over_a_variable_and_a_variable_over_hive_json()
    {
        File.WriteAllText(
            Settings,
            """
            {
                "Driver": "command", "Image": "from/file", // comments are allowed
                "Urls": ["http://127.0.0.1:1", "http://[::1]:1"], "AutoUpdate": true,
            }
            """
        );

        var read = Read(
            ["--driver", "claude"],
            ("HIVE_DRIVER", "scripted"),
            ("HIVE_IMAGE", "from/variable"),
            ("HIVE_RUNTIME", "")
        );

        Assert.Empty(read.Faults);
        var options = read.Options;
        Assert.Equal(
            ("claude", "from/variable", "http://127.0.0.1:1;http://[::1]:1", true, "auto"),
            (options.Driver, options.Image, options.Urls, options.AutoUpdate, options.Runtime)
        );
    }

    [Theory]
    [InlineData(
        "--runtime cannot be 'sandbx'; did you mean sandbox? If not, choose auto, nixos, podman, docker, nspawn, "
            + "sandbox, process or external",
        "--runtime",
        "sandbx"
    )]
    [InlineData("--Driver cannot be 'magic'; choose auto, claude, command or scripted", "--Driver", "magic")]
    [InlineData("--auto-update cannot be 'maybe'; use true or false", "--auto-update=maybe")]
    [InlineData("--urls cannot be '127.0.0.1:7000'; use http://ADDRESS:PORT", "--urls", "127.0.0.1:7000")]
    [InlineData("--urls cannot be 'https://127.0.0.1'; Hive serves plain http", "--urls", "https://127.0.0.1")]
    [InlineData(
        "--urls cannot be 'http://127.0.0.1:70000'; use http://ADDRESS:PORT with a port up to 65535",
        "--urls",
        "http://127.0.0.1:70000"
    )]
    [InlineData("--urls cannot be 'http://127.0.0.1/hive'", "--urls", "http://127.0.0.1/hive")]
    [InlineData("--allowed-hosts cannot be 'http://a'; use names of hosts", "--allowed-hosts", "http://a")]
    [InlineData("the value of --token is not valid; it has fewer than 16 characters", "--token", "hush")]
    [InlineData(
        "--podman-socket cannot be 'tcp://127.0.0.1:2375'; use the path of a unix socket",
        "--podman-socket",
        "tcp://127.0.0.1:2375"
    )]
    [InlineData(
        "--nspawn-root cannot be '/nonexistent'; name a folder with a usr in it",
        "--nspawn-root",
        "/nonexistent"
    )]
    [InlineData("--data-dir cannot be '/etc/passwd'; that is a file; name a folder", "--data-dir", "/etc/passwd")]
    [InlineData(
        "--inputs-allowed-paths cannot be '/srv;/etc/passwd'; that is a file; name a folder",
        "--inputs-allowed-paths",
        "/srv;/etc/passwd"
    )]
    [InlineData("--forge-url cannot be 'ftp://forge'; use http:// or https://", "--forge-url", "ftp://forge")]
    [InlineData(
        "the value of --forge-url is not valid; use http:// or https://, a host and perhaps a path, "
            + "without user, password",
        "--forge-url",
        "http://boss:pw@forge/"
    )]
    [InlineData("--forge-work-path cannot be 'data'; use a path that begins with /", "--forge-work-path", "data")]
    [InlineData("--forge-token-file cannot be '/etc'; that is a folder; name a file", "--forge-token-file", "/etc")]
    [InlineData("the value of --forge-password is not valid; use one line", "--forge-password", "one\ntwo")]
    [InlineData("--operator-pronouns cannot be 'a?b'; use one line", "--operator-pronouns", "a\u001bb")]
    [InlineData("--git-email-domain cannot be 'a b'; use letters, digits, '-' and '.'", "--git-email-domain", "a b")]
    [InlineData("--git-email-domain cannot be 'a?[core]'; use one line", "--git-email-domain", "a\n[core]")]
    [InlineData("the value of --notify-url is not valid; use http:// or https://", "--notify-url", "ftp://hush/topic")]
    [InlineData("the value of --notify-url is not valid; use http:", "--notify-url", "https://boss:hush@ntfy.sh/topic")]
    [InlineData("the value of --notify-url is not valid; use http:", "--notify-url", "ntfy.sh/hush")]
    [InlineData("--notify-page cannot be 'hive.lan'; use http:// or https://", "--notify-page", "hive.lan")]
    [InlineData("--notify-format cannot be 'xml'; choose json, ntfy or slack", "--notify-format", "xml")]
    [InlineData("--notify-after cannot be '-1'; use a whole number of seconds from 0 to 86400", "--notify-after=-1")]
    [InlineData("--notify-after cannot be '86401'; use a whole number of seconds", "--notify-after", "86401")]
    [InlineData("--notify-after cannot be '1m'; use a whole number of seconds", "--notify-after", "1m")]
    [InlineData("--tasks-age-weight cannot be '1.01'; use a number from 0 to 1", "--tasks-age-weight", "1.01")]
    [InlineData("--tasks-age-weight cannot be '0.125'; use a number from 0 to 1", "--tasks-age-weight", "0.125")]
    [InlineData("--tasks-urgent-boost cannot be '0.5'; use a number from 1 to 3", "--tasks-urgent-boost", "0.5")]
    [InlineData("--notify-bodies cannot be 'some'; use true or false", "--notify-bodies", "some")]
    [InlineData("--image cannot be '--privileged'; use the name of an image", "--image=--privileged")]
    [InlineData("--Logging:LogLevel:Microsoft cannot be 'loud'; choose Trace", "--Logging:LogLevel:Microsoft", "loud")]
    public void A_value_that_is_not_valid_is_refused_with_the_place_it_stands_in(string says, params string[] flags)
    {
        var fault = Assert.Single(Read(flags).Faults);

        Assert.StartsWith(says, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", fault, StringComparison.Ordinal);
        Assert.DoesNotContain("boss", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_options_are_refused_with_a_near_name_wherever_they_come_from()
    {
        File.WriteAllText(
            Settings,
            """
            {
                "Runtme": "process", "Forge": { "Ulr": "http://forge", "Url": 7 }, "datadir": "/elsewhere",
                "Image": "a", "image": "b", "Logging": { "LogLevel": { "Hive": "Debug" } }, "Podman": "x"
            }
            """
        );

        var read = Read(
            ["--dta-dir", "/x", "--wholly-unknown"],
            ("HIVE_DATA_DR", "x"),
            ("HIVE_URL", "http://127.0.0.1:0"),
            ("HIVE_SOCKET", "/an/agents/own"),
            ("HIVE_LOGGING__LOGLEVEL__MICROSOFT", "Debug")
        );

        Assert.Equal(
            [
                "--dta-dir is not an option; did you mean --data-dir?",
                "--wholly-unknown is not an option; hive up --help lists them",
                "the variable HIVE_DATA_DR is not an option; did you mean HIVE_DATADIR?",
                "the variable HIVE_URL is not an option; did you mean HIVE_URLS?",
                $"\"Runtme\" in {Settings} is not an option; did you mean Runtime?",
                $"\"Forge:Ulr\" in {Settings} is not an option; did you mean Forge:Url?",
                $"\"Forge:Url\" in {Settings} must be a string",
                $"\"datadir\" in {Settings} has no effect, because the file is in that folder; "
                    + "use --data-dir (HIVE_DATADIR)",
                $"\"image\" in {Settings} occurs more than once; keep one of them",
                $"\"Podman\" in {Settings} is not an option; docs/options.md lists them",
            ],
            read.Faults
        );
    }

    [Theory]
    [InlineData("[1]", "is not a JSON object")]
    [InlineData("{ \"Urls\": ", "is not a JSON object")]
    [InlineData("{ \"Runtime\": \"bogus\" }", "cannot be 'bogus'")]
    [InlineData("{ \"Notify\": { \"Url\": \"ntfy.sh/topic\" } }", "is not valid; use http:// or https://")]
    [InlineData("{ \"Notify\": { \"After\": 1.5 } }", "cannot be '1.5'; use a whole number of seconds")]
    [InlineData("{ \"Notify\": { \"After\": true } }", "must be a whole number")]
    public async Task A_host_refuses_to_start_with_every_fault_in_one_message(string settings, string says)
    {
        File.WriteAllText(Settings, settings);

        string[] flags = ["--data-dir", Data, "--run-dir", Run, "--nonsense"];
        var refused = await Assert.ThrowsAsync<StartupProblem>(() => HiveApp.Build(flags));

        Assert.Contains("--nonsense is not an option", refused.Message, StringComparison.Ordinal);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Contains(Settings, refused.Message, StringComparison.Ordinal);
        Assert.Equal([Settings], Directory.EnumerateFileSystemEntries(Data));
    }

    [Fact]
    public async Task The_runtimes_that_may_be_named_are_those_there_are()
    {
        await using var hive = await HiveFixture.Start();
        var there = hive.Services.GetRequiredService<RuntimeCatalog>().All.Select(r => r.Name);

        var choices = HiveOption.All.Single(o => o.Key == "Runtime").Choices;
        Assert.Equivalent(there.Concat([HiveOptions.Auto, RuntimeCatalog.External]), choices, strict: true);
    }

    [Fact]
    public async Task Help_lists_every_flag_with_its_choices()
    {
        var help = (await Built.HiveAsync(["up", "--help"])).Output;

        Assert.All(HiveOption.All, o => Assert.Contains($"  {o.Flag} <", help, StringComparison.Ordinal));
        var words = string.Join(' ', help.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.All(HiveOption.All, o => Assert.Contains(string.Join(", ", o.Choices), words, StringComparison.Ordinal));
        Assert.DoesNotContain("additional arguments", help, StringComparison.OrdinalIgnoreCase);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 120, line));
    }

    [Fact]
    public async Task The_page_of_options_is_generated_from_them()
    {
        var page = Path.Combine(Root(), "docs", "options.md");
        var written = await File.ReadAllTextAsync(page);
        var begin = written.IndexOf(TableBegins, StringComparison.Ordinal);
        Assert.True(begin >= 0, $"docs/options.md has no line {TableBegins}");
        var wanted = written[..begin] + TableBegins + Table() + TableEnds;
        if (Environment.GetEnvironmentVariable("HIVE_UPDATE_DOCS") == "1")
            await File.WriteAllTextAsync(page, wanted);

        Assert.True(
            wanted == await File.ReadAllTextAsync(page),
            "docs/options.md differs from src/Protocol/Options; run this test with HIVE_UPDATE_DOCS=1"
        );
    }

    private static string Table()
    {
        var table = new StringBuilder(
            "| flag | variable | key in `hive.json` | default | meaning |\n|---|---|---|---|---|\n"
        );
        foreach (var option in HiveOption.All)
        {
            var names = $"`{option.Flag}` | `{option.Variable}` | `{option.Key}`";
            var words = string.Join(", ", option.Choices.Select(c => $"`{c}`"));
            var choices = words.Length > 0 ? $". One of {words}" : "";
            table.Append($"| {names} | {option.Default} | {option.Description}{choices} |\n");
        }

        return table.ToString();
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hive.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    private static void Was(HiveOption option, string value, ReadOptions read)
    {
        Assert.True(read.Faults.Count == 0, string.Join('\n', read.Faults));
        object expected = option.Kind switch
        {
            OptionKind.Switch => true,
            OptionKind.Seconds => 177,
            OptionKind.Decimal => decimal.Parse(value, System.Globalization.CultureInfo.InvariantCulture),
            OptionKind.Folders or OptionKind.HostNames or OptionKind.SecondsList => (string[])[value],
            _ => value,
        };
        Assert.Equal(expected, option.ValueIn(read.Options));
        Assert.NotEqual(option.ValueIn(new HiveOptions()), option.ValueIn(read.Options));
    }

    private ReadOptions Read(string[] flags, params (string Name, string Value)[] variables)
    {
        var environment = variables.ToDictionary(v => v.Name, v => v.Value);
        environment.TryAdd("HIVE_DATADIR", Data);
        environment.TryAdd("HIVE_RUNDIR", Run);
        return ReadOptions.All(flags, environment);
    }

    private ReadOptions ReadFile(JsonNode settings)
    {
        File.WriteAllText(Settings, settings.ToJsonString());
        var read = ReadOptions.All([], new Dictionary<string, string> { ["HIVE_DATADIR"] = Data });
        File.Delete(Settings);
        return read;
    }

    // Each flag, with values with which a host starts here.
    private string[] EveryFlag()
    {
        string[] flags =
        [
            "--data-dir",
            Data,
            "--run-dir",
            Run,
            "--urls",
            "http://127.0.0.1:0",
            "--runtime",
            "external",
            "--auto-update",
            "--nixos-root",
            Path.Combine(folder, "root"),
        ];
        var others = HiveOption.All.Where(o => !flags.Contains(o.Flag)).SelectMany(o => (string[])[o.Flag, Sample(o)]);
        return [.. flags, .. others];
    }

    // Something other than the default that is valid on any machine.
    private string Sample(HiveOption option) =>
        option.Kind switch
        {
            OptionKind.Switch => "true",
            OptionKind.Choice => option.Choices[^1],
            OptionKind.Seconds or OptionKind.SecondsList => "177",
            OptionKind.Decimal => option.Least == 0 ? "0.77" : $"{option.Least}.77",
            OptionKind.Folder or OptionKind.Folders => Path.Combine(folder, "some"),
            OptionKind.RootFolder => Path.Combine(folder, "root"),
            OptionKind.File or OptionKind.WholePath or OptionKind.Socket => Path.Combine(folder, "a-file"),
            OptionKind.ListenUrls => "http://127.0.0.1:0",
            OptionKind.HostNames => "hive.example.org",
            OptionKind.Url => "http://127.0.0.1:9/forge",
            OptionKind.HookUrl => "http://127.0.0.1:9/topic?auth=hush",
            OptionKind.Image => "registry.example/agents:1",
            _ => $"not-a-default-{option.Key.Replace(':', '-')}",
        };
}
