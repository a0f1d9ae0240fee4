using Hive.Features.StateFiles;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

public sealed class ScanTests : IDisposable
{
    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("no slash at all")]
    [InlineData("and/or https://example.org/agents/alice/state/report.md")]
    [InlineData("./agents/alice/state/report.md ../shared/plan.md x/shared/plan.md ~/shared/plan.md")]
    [InlineData("/state/report.md")]
    [InlineData("/agents/ /shared/ /agents//state/report.md /agents/alice/state/ /agents/alice/state")]
    [InlineData("/agents/Alice/state/report.md /agents/../agents/alice/state/report.md /agents/alice-/state/report.md")]
    [InlineData("/agents/alice/state/missing.md")]
    [InlineData("/agents/alice/home/key /agents/alice/config/agent.yaml /access-token /applied/alice/agent.yaml")]
    public void Finds_nothing_in(string text)
    {
        tree.Write("/agents/alice/state/report.md");
        tree.Write("/agents/alice/home/key");
        tree.Write("/agents/alice/config/agent.yaml");
        tree.Write("/applied/alice/agent.yaml");
        tree.Write("/access-token");
        tree.Write("/shared/plan.md");
        Assert.Empty(tree.References().Scan(text));
        Assert.Empty(tree.References(walk: true).Scan(text));
    }

    [Theory]
    [InlineData("/agents/alice/state/report.md")]
    [InlineData("See /agents/alice/state/report.md.")]
    [InlineData("(see /agents/alice/state/report.md)")]
    [InlineData("(see /agents/alice/state/report.md).")]
    [InlineData("`/agents/alice/state/report.md`")]
    [InlineData("**/agents/alice/state/report.md**")]
    [InlineData("\"/agents/alice/state/report.md\",")]
    [InlineData("'/agents/alice/state/report.md'")]
    [InlineData("“/agents/alice/state/report.md”")]
    [InlineData("[the report](/agents/alice/state/report.md), if you like")]
    [InlineData("</agents/alice/state/report.md>")]
    [InlineData("/agents/alice/state/report.md:12")]
    [InlineData("/agents/alice/state/report.md:12:5: error")]
    [InlineData("/agents/alice/state/report.md:12,")]
    [InlineData("/agents/alice/state/report.md#L3-L9")]
    [InlineData("/agents/alice/state/report.md's end")]
    [InlineData("is it in /agents/alice/state/report.md?")]
    [InlineData("file=/agents/alice/state/report.md;")]
    [InlineData("见/agents/alice/state/report.md。")]
    [InlineData("a\n/agents/alice/state/report.md\nb\t/agents/alice/state/report.md")]
    public void Finds_the_path_in(string text)
    {
        tree.Write("/agents/alice/state/report.md");
        Assert.Equal(["/agents/alice/state/report.md"], tree.References().Scan(text));
        Assert.Equal(["/agents/alice/state/report.md"], tree.References(walk: true).Scan(text));
    }

    [Fact]
    public void Finds_each_path_once_in_order_of_appearance()
    {
        tree.Write("/shared/b.md");
        tree.Write("/shared/a.md");
        tree.Write("/agents/bob/state/deep/er/c.md");
        Assert.Equal(
            ["/shared/b.md", "/agents/bob/state/deep/er/c.md", "/shared/a.md"],
            tree.References()
                .Scan("/shared/b.md,/agents/bob/state/deep/er/c.md and /shared/b.md;/shared/a.md (/shared/b.md)")
        );
    }

    [Fact]
    public void Keeps_punctuation_that_belongs_to_the_name()
    {
        tree.Write("/shared/a(1)");
        tree.Write("/shared/b,c.md");
        tree.Write("/shared/d:7");
        tree.Write("/shared/naïve-日本.md");
        tree.Write("/shared/percent%2e%2e.md");
        tree.Write("/shared/back\\slash");
        Assert.Equal(
            [
                "/shared/a(1)",
                "/shared/b,c.md",
                "/shared/d:7",
                "/shared/naïve-日本.md",
                "/shared/percent%2e%2e.md",
                "/shared/back\\slash",
            ],
            tree.References()
                .Scan(
                    "(see /shared/a(1)) /shared/b,c.md, /shared/d:7: /shared/naïve-日本.md "
                        + "/shared/percent%2e%2e.md /shared/back\\slash"
                )
        );
    }

    [Fact]
    public void Finds_host_paths_below_a_folder_with_a_space_and_a_comma()
    {
        using var odd = new StateTree("my data, v1/shared/hive");
        odd.Write("/agents/alice/state/report.md");
        odd.Write("/shared/plan.md");
        var (report, plan) = ($"{odd.DataDir}/agents/alice/state/report.md", $"{odd.DataDir}/shared/plan.md");
        Assert.Equal(
            [report, plan, "/shared/plan.md"],
            odd.References()
                .Scan(
                    $"see {report}, {plan}:3 and /shared/plan.md; not {odd.DataDir}/hive.sqlite or "
                        + $"{odd.DataDir}x/shared/plan.md"
                )
        );
    }

    [Fact]
    public async Task Never_references_tokens_repositories_or_databases()
    {
        foreach (
            var path in (string[])
                [
                    "/agents/alice/state/forge-token",
                    "/shared/.git/config",
                    "/shared/x/.git/HEAD",
                    "/shared/x/.GIT/HEAD",
                    "/shared/notes.sqlite",
                    "/shared/notes.sqlite-wal",
                    "/shared/a.sqlite.d/x",
                    "/shared/forge-token/x",
                ]
        )
            await tree.MustRefuse(tree.Write(path));
        await tree.MustRead(tree.Write("/shared/.gitignore"), "inside");
        await tree.MustRead(tree.Write("/shared/my-forge-token-notes.md"), "inside");
    }

    [Fact]
    public void Checks_at_most_64_candidates()
    {
        for (var i = 0; i < 70; i++)
            tree.Write($"/shared/{i}.md");
        var found = tree.References().Scan(string.Join(", ", Enumerable.Range(0, 70).Select(i => $"/shared/{i}.md")));
        Assert.Equal(Enumerable.Range(0, FileReferences.MaxCandidates).Select(i => $"/shared/{i}.md"), found);
    }

    [Fact]
    public void Stops_when_its_time_is_up()
    {
        for (var i = 0; i < 10; i++)
            tree.Write($"/shared/{i}.md");
        // Each reading of the clock takes half of the time, as a slow file system would.
        using var references = tree.References(clock: new SteppingClock(FileReferences.MaxTime / 2));
        Assert.Equal(
            ["/shared/0.md"],
            references.Scan(string.Join(' ', Enumerable.Range(0, 10).Select(i => $"/shared/{i}.md")))
        );
    }

    [Fact]
    public async Task Scans_on_other_threads_with_limits_per_sender_and_in_total()
    {
        tree.Write("/shared/a.md");
        using var clock = new HeldClock();
        using var references = tree.References(clock: clock);
        // This would not return if the scan ran on this thread.
        var alices = Enumerable
            .Range(0, 20)
            .Select(_ => references.ScanAs("alice", "see /shared/a.md").AsTask())
            .ToArray();
        await clock.Entered.WaitAsync(Patience());
        var bob = references.ScanAs("bob", "see /shared/a.md").AsTask();
        await clock.Entered.WaitAsync(Patience());
        var carol = references.ScanAs("carol", "see /shared/a.md").AsTask();
        Assert.Equal(FileReferences.MaxScans, clock.Inside);
        Assert.Empty(await references.ScanAs("dave", "a text without a path / of a state file"));
        Assert.All([.. alices, bob, carol], scan => Assert.False(scan.IsCompleted));
        clock.Release();
        foreach (var scan in (Task<IReadOnlyList<string>>[])[.. alices, bob, carol])
            Assert.Equal(["/shared/a.md"], await scan);
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    [Sampled]
    public void Ends_on_any_text()
    {
        var random = Ring.Random();
        string[] parts =
        [
            "/",
            "/agents/",
            "/shared/",
            "alice",
            "/state/",
            tree.DataDir,
            ".",
            "..",
            ",",
            ":1",
            " ",
            "\n",
            "(",
            ")",
            "`",
            "\0",
            "\ud800",
            "é",
            "a.md",
            "%2e",
        ];
        tree.Write("/agents/alice/state/a.md");
        tree.Write("/shared/a.md");
        var references = tree.References();
        for (var i = 0; i < Ring.Count(5_000, inLong: 50_000); i++)
        {
            var text = string.Concat(
                Enumerable.Range(0, random.Next(1, 30)).Select(_ => parts[random.Next(parts.Length)])
            );
            var found = references.Scan(text);
            Assert.All(found, path => Assert.Contains(path, text, StringComparison.Ordinal));
            Assert.Equal(found.Distinct(), found);
        }
    }

    [Fact]
    public void Notices_files_that_appear_and_disappear()
    {
        var references = tree.References();
        Assert.Empty(references.Scan("/shared/late.md"));
        tree.Write("/shared/late.md");
        Assert.Single(references.Scan("/shared/late.md"));
        File.Delete(tree.On("/shared/late.md"));
        Assert.Empty(references.Scan("/shared/late.md"));
        Directory.Delete(tree.On("/shared"));
        Directory.CreateSymbolicLink(tree.On("/shared"), tree.Outside);
        File.WriteAllText($"{tree.Outside}/late.md", "outside");
        Assert.Empty(references.Scan("/shared/late.md"));
    }

    // Advances by a step at each reading.
    private sealed class SteppingClock(TimeSpan step) : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now += step.Ticks;
    }

    // Blocks each reader until it is released.
    private sealed class HeldClock : TimeProvider, IDisposable
    {
        private readonly ManualResetEventSlim released = new();
        private int inside;

        public SemaphoreSlim Entered { get; } = new(0);

        public int Inside => Volatile.Read(ref inside);

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref inside);
            Entered.Release();
            released.Wait();
            return 0;
        }

        public void Release() => released.Set();

        public void Dispose() => released.Dispose();
    }
}
