using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Common.Errors;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using Hive.Tests.StateFiles;

namespace Hive.Tests.Gates;

/// <summary>Evidence that agents hand in, read from real files.</summary>
public sealed class CollectTests : IDisposable
{
    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public async Task Files_and_data_are_kept_with_their_digest()
    {
        tree.Write("/agents/alice/state/login/requirements.md", "# Scope\n");
        tree.Write("/shared/plan.md", "");
        var collected = await Collect(
            new HandedIn("requirements_document", "/agents/alice/state/login/requirements.md"),
            new HandedIn("plan", tree.On("/shared/plan.md")),
            new HandedIn("results", Content: new JsonObject { ["all_passed"] = true, ["name"] = "Größe" })
        );
        Assert.Equal(
            [
                ("requirements_document", "file", "/agents/alice/state/login/requirements.md", "# Scope\n"),
                ("plan", "file", "/shared/plan.md", ""),
                ("results", "data", null, """{"all_passed":true,"name":"Größe"}"""),
            ],
            collected.Select(c => (c.Type, c.Kind, c.Path, Encoding.UTF8.GetString(c.Content!)))
        );
        Assert.All(
            collected,
            c =>
                Assert.Equal(
                    (Convert.ToHexStringLower(SHA256.HashData(c.Content!)), c.Content!.Length),
                    (c.Digest, (int)c.Size)
                )
        );
    }

    [Theory]
    [InlineData("report.md")]
    [InlineData("./report.md")]
    [InlineData("docs/report.md")]
    [InlineData("shared/report.md")]
    public async Task A_relative_path_is_below_the_agents_state_folder(string path)
    {
        var whole = "/agents/alice/state/" + (path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path);
        tree.Write(whole, "# Scope\n");
        var file = Assert.Single(await Collect(new HandedIn("report", path)));
        Assert.Equal((whole, 8), (file.Path, (int)file.Size));
    }

    [Fact]
    public async Task Of_a_file_over_256_KiB_only_the_digest_is_kept_and_one_over_1_MiB_is_refused()
    {
        foreach (var (size, isKept) in new[] { (256 << 10, true), ((256 << 10) + 1, false), (1 << 20, false) })
        {
            tree.Write("/agents/alice/state/log", new string('x', size));
            var log = Assert.Single(await Collect(new HandedIn("log", "/agents/alice/state/log")));
            Assert.Equal((size, isKept), ((int)log.Size, log.Content is not null));
            Assert.Equal(
                Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(new string('x', size)))),
                log.Digest
            );
        }

        tree.Write("/agents/alice/state/log", new string('x', (1 << 20) + 1));
        var refused = await Refused(ErrorCode.TooLarge, new HandedIn("log", "/agents/alice/state/log"));
        Assert.Contains("1048576 bytes", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_gigabytes_of_nothing_are_refused_without_being_read()
    {
        tree.Write("/agents/alice/state/sparse", "");
        await using (var file = new FileStream(tree.On("/agents/alice/state/sparse"), FileMode.Open))
            file.SetLength(2L << 30);
        await Refused(ErrorCode.TooLarge, new HandedIn("log", "/agents/alice/state/sparse"));
    }

    [Fact]
    public async Task Links_pipes_devices_and_folders_are_refused()
    {
        tree.Write("/agents/bob/state/secret");
        File.WriteAllText(Path.Combine(tree.Outside, "passwd"), "outside");
        tree.Link("/agents/alice/state/link", tree.On("/agents/bob/state/secret"));
        tree.Link("/agents/alice/state/out", Path.Combine(tree.Outside, "passwd"));
        tree.Link("/agents/alice/state/folder", tree.Outside);
        tree.Write("/agents/alice/state/one");
        tree.HardLink(tree.On("/agents/alice/state/one"), "/agents/alice/state/two");
        tree.Fifo("/agents/alice/state/pipe");
        List<string> paths =
        [
            "/agents/alice/state/link",
            "/agents/alice/state/out",
            "/agents/alice/state/folder/passwd",
            "/agents/alice/state/two",
            "/agents/alice/state/pipe",
            "/agents/alice/state/missing",
        ];
        if (tree.Device("/agents/alice/state/zero"))
            paths.Add("/agents/alice/state/zero");
        foreach (var path in paths)
            await Refused(ErrorCode.NotFound, new HandedIn("report", path));
    }

    [Theory]
    [InlineData("/agents/bob/state/report.md")]
    [InlineData("/agents/alice/state/../../bob/state/report.md")]
    [InlineData("/agents/alice/home/report.md")]
    [InlineData("/agents/alice/state/forge-token")]
    [InlineData("/agents/alice/state/.git/config")]
    [InlineData("/agents/alice/state/x.sqlite")]
    [InlineData("/etc/passwd")]
    [InlineData("../report.md")]
    [InlineData("docs/../../../bob/state/report.md")]
    [InlineData("./.git/config")]
    [InlineData("docs//report.md")]
    [InlineData("./")]
    [InlineData("")]
    [InlineData("/agents/alice/state/a\0b")]
    public async Task A_path_that_is_not_the_agents_own_is_refused_with_the_way_out(string path)
    {
        if (path.StartsWith("/agents/bob", StringComparison.Ordinal))
            tree.Write(path);
        var refused = await Refused(ErrorCode.Forbidden, new HandedIn("report", path));
        Assert.Contains("/agents/alice/state/ or /shared/", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_deleted_while_it_is_collected_is_refused_or_kept_whole()
    {
        var path = tree.On("/agents/alice/state/report.md");
        using var stop = new CancellationTokenSource();
        var flicker = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    File.WriteAllText($"{path}.new", new string('x', 100_000));
                    File.Move($"{path}.new", path, overwrite: true);
                    File.Delete(path);
                }
            },
            TestContext.Current.CancellationToken
        );
        for (var i = 0; i < 200; i++)
        {
            try
            {
                var file = Assert.Single(await Collect(new HandedIn("report", "/agents/alice/state/report.md")));
                Assert.Equal(100_000, file.Content!.Length);
            }
            catch (Problem e)
            {
                Assert.Equal(ErrorCode.NotFound, e.Code);
            }
        }

        await stop.CancelAsync();
        await flicker;
    }

    [Fact]
    public async Task Evidence_without_a_form_is_refused_in_words_before_a_file_is_opened()
    {
        await Refused(ErrorCode.Invalid, new HandedIn(" "));
        await Refused(ErrorCode.Invalid, new HandedIn(" report", "/shared/x"));
        await Refused(ErrorCode.Invalid, new HandedIn("re\nport", "/shared/x"));
        await Refused(ErrorCode.Invalid, new HandedIn(new string('x', 101), "/shared/x"));
        await Refused(ErrorCode.Invalid, new HandedIn("report"));
        await Refused(ErrorCode.Invalid, new HandedIn("report", "/shared/x", Content: new JsonObject()));
        Assert.Contains(
            "names a 'commit' without its 'repository'",
            await Refused(ErrorCode.Invalid, new HandedIn("code", Commit: "9f3c")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the limit is 16384",
            await Refused(
                ErrorCode.TooLarge,
                new HandedIn("data", Content: new JsonObject { ["x"] = new string('x', 16 << 10) })
            ),
            StringComparison.Ordinal
        );
        await Refused(ErrorCode.Invalid, new HandedIn("data", Content: JsonNode.Parse("""{"x": "\ud800"}""")));
        // Before anything is opened.
        foreach (
            var (commit, repository) in new[]
            {
                ("main", "/shared/shop"),
                (new string('a', 41), "/shared/shop"),
                ("aaaaaaa", "forge:shop"),
                ("aaaaaaa", "sh\0op"),
                ("aaaaaaa", "/" + new string('x', 4096)),
            }
        )
            await Refused(ErrorCode.Invalid, new HandedIn("code", Commit: commit, Repository: repository));
        Assert.Contains(
            "the limit is 20",
            await Refused(
                ErrorCode.TooLarge,
                [.. Enumerable.Range(0, 21).Select(i => new HandedIn($"t{i}", Content: new JsonObject()))]
            ),
            StringComparison.Ordinal
        );
    }

    private async Task<CollectedArtifact[]> Collect(params HandedIn[] artifacts) =>
        (CollectedArtifact[])
            await new TaskEvidence(
                null!,
                tree.Reader(),
                null!,
                null!,
                null!,
                null!,
                null!,
                null!,
                TimeProvider.System
            ).Collect("alice", (1, null), artifacts, TestContext.Current.CancellationToken);

    private async Task<string> Refused(ErrorCode code, params HandedIn[] artifacts)
    {
        var problem = await Assert.ThrowsAsync<Problem>(() => Collect(artifacts));
        Assert.Equal(code, problem.Code);
        return problem.Message;
    }
}
