using System.Security.Cryptography;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Forge.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Forge;

/// <summary>Commits are fetched from the forge by Hive's own account.</summary>
public sealed class ForgeFetchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static GitBounds Bounds { get; } =
        new()
        {
            Noun = "the repository",
            Repository = "the repository",
            Advice = "hand in less",
        };

    [Fact]
    public async Task A_commit_and_a_branch_are_fetched_within_the_callers_bounds()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var fetch = rig.Hive.Services.GetRequiredService<IForgeFetch>();
        var own = Path.Combine(rig.Hive.Folder, "evidence.git");
        await GitProgram.Init(own, bare: true, Token);
        var head = Repositories.AsSomebody(rig.Forge.Repository("agents/alice"), "rev-parse", "refs/heads/main");

        Assert.Equal(head, await fetch.Commit("agents/alice", head[..8], Bounds, own, "refs/evidence/1", Token));
        Assert.Equal(head, await fetch.Branch("agents/alice", "main", Bounds, own, "refs/evidence/2", Token));
        Assert.Equal(head, Repositories.AsSomebody(own, "rev-parse", "refs/evidence/1"));
        Assert.Equal(head, Repositories.AsSomebody(own, "rev-parse", "refs/evidence/2"));

        Assert.Equal(
            ErrorCode.NotFound,
            await Code(fetch.Commit("agents/alice", "fffffff", Bounds, own, "refs/x", Token))
        );
        Assert.Equal(ErrorCode.NotFound, await Code(fetch.Commit("agents/none", head, Bounds, own, "refs/x", Token)));
        Assert.Equal(
            ErrorCode.NotFound,
            await Code(fetch.Branch("agents/alice", "none", Bounds, own, "refs/x", Token))
        );
        Assert.Equal(ErrorCode.Invalid, await Code(fetch.Commit("../alice", head, Bounds, own, "refs/x", Token)));
        Assert.Equal(ErrorCode.Invalid, await Code(fetch.Branch("agents/alice", "-a", Bounds, own, "refs/x", Token)));
        Assert.Equal(
            ErrorCode.TooLarge,
            await Code(fetch.Commit("agents/alice", head, Bounds with { MaxUnpackedBytes = 10 }, own, "refs/x", Token))
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(rig.Hive.DataDir, "tmp")));
    }

    [Fact]
    public async Task A_fetch_that_writes_too_much_is_too_large_and_a_failing_forge_unavailable()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var fetch = rig.Hive.Services.GetRequiredService<IForgeFetch>();
        var own = Path.Combine(rig.Hive.Folder, "evidence.git");
        await GitProgram.Init(own, bare: true, Token);
        var work = Path.Combine(rig.Hive.Folder, "work");
        Repositories.AsSomebody(rig.Hive.Folder, "clone", "-q", rig.Forge.Repository("agents/alice"), work);
        var noise = RandomNumberGenerator.GetBytes(1 << 20);
        await File.WriteAllBytesAsync(Path.Combine(work, "noise"), noise, Token);
        Repositories.AsSomebody(work, "add", "noise");
        Repositories.AsSomebody(work, "commit", "-q", "-m", "noise");
        Repositories.AsSomebody(work, "push", "-q", "origin", "HEAD:refs/heads/noise");

        var problem = await Assert.ThrowsAsync<Problem>(() =>
            fetch.Branch("agents/alice", "noise", Bounds with { MaxBytes = 100_000 }, own, "refs/x", Token)
        );
        Assert.Equal(
            (ErrorCode.TooLarge, "the repository is larger than 100000 bytes; hand in less"),
            (problem.Code, problem.Message)
        );
        rig.Forge.Instead = http =>
        {
            http.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        Assert.Equal(
            ErrorCode.Unavailable,
            await Code(fetch.Branch("agents/alice", "noise", Bounds, own, "refs/x", Token))
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(rig.Hive.DataDir, "tmp")));
    }

    private static async Task<ErrorCode> Code(Task<string> fetched) =>
        (await Assert.ThrowsAsync<Problem>(() => fetched)).Code;
}
