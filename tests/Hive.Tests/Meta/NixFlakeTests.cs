using System.Collections.Immutable;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Meta;

/// <summary>Tests the flake for agents on nixos, with a stand-in for nix that records its calls.</summary>
public sealed class NixFlakeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_agents_on_nixos_every_deploy_writes_and_locks_a_flake()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        var calls = StandIn(hive.Folder, "touch \"${5#path:}/flake.lock\"");
        var rev = upstream.Commit("skills", "skill.md", "one\n");
        await upstream.Spawn("coder", "external", ("skills", upstream.Url("skills")));
        await hive.Spawn("other");
        Assert.False(File.Exists(Path.Combine(upstream.Meta, "flake.nix")));
        await OnNixos(upstream, "coder");

        var swarm = hive.Services.GetRequiredService<ISwarmLock>();
        var prepared = await swarm.Prepare("coder", swarm.Deployed("coder")!, Token);
        await swarm.Apply(prepared);
        await swarm.Commit(prepared, "deploy coder on nixos");
        Assert.Equal(
            [$"--extra-experimental-features|nix-command flakes|flake|lock|path:{upstream.Meta}"],
            await File.ReadAllLinesAsync(calls, Token)
        );
        var flake = upstream.Git("show", "HEAD:flake.nix");
        var applied = Path.Combine(hive.DataDir, "applied", "coder");
        Assert.Contains(
            $"inputs.agent-coder = {{ flake = false; url = \"git+file://{applied}?rev={swarm.Deployed("coder")}\"; }};",
            flake,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"inputs.agent-coder-skills = {{ flake = false; "
                + $"url = \"git+{upstream.Url("skills")}?rev={rev}&shallow=1\"; }};",
            flake,
            StringComparison.Ordinal
        );
        Assert.Contains("nixosConfigurations.coder = ", flake, StringComparison.Ordinal);
        Assert.DoesNotContain("agent-other", flake, StringComparison.Ordinal);
        Assert.Contains("flake.lock", upstream.Git("ls-tree", "--name-only", "HEAD"), StringComparison.Ordinal);
        Assert.Empty(upstream.Git("status", "--porcelain"));

        // A commit that does not change the flake does not run nix.
        await swarm.Commit(prepared, "again");
        Assert.Single(await File.ReadAllLinesAsync(calls, Token));
        await upstream.Do("destroy", "coder");
        await hive.Restart();
        Assert.DoesNotContain("flake", upstream.Git("ls-tree", "--name-only", "HEAD"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deploy_that_nix_refuses_fails()
    {
        await using var upstream = await Upstream.Start();
        var hive = upstream.Hive;
        StandIn(hive.Folder, "echo 'error: no such input' >&2; exit 1");
        await hive.Spawn("coder");
        await OnNixos(upstream, "coder");
        var swarm = hive.Services.GetRequiredService<ISwarmLock>();
        var (log, prepared) = (upstream.Log(), await swarm.Prepare("coder", swarm.Deployed("coder")!, Token));
        var problem = await Assert.ThrowsAsync<Problem>(() => swarm.Apply(prepared));
        Assert.Contains("error: no such input", problem.Message, StringComparison.Ordinal);
        await swarm.Restore("coder");
        Assert.Equal(log, upstream.Log());
        Assert.Empty(upstream.Git("status", "--porcelain"));
    }

    private static Task OnNixos(Upstream upstream, string agent)
    {
        var roster = upstream.Hive.Services.GetRequiredService<IRoster>();
        return upstream
            .Hive.Services.GetRequiredService<IStore>()
            .Write(
                write =>
                {
                    roster.Change(write, agent, entry => entry with { Runtime = "nixos" });
                },
                Token
            );
    }

    /// <summary>Puts a stand-in for nix on the PATH and returns the file in which it records its calls.</summary>
    private static string StandIn(string folder, string then)
    {
        var programs = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
        var calls = Path.Combine(folder, "calls");
        var program = Path.Combine(programs, "nix");
        File.WriteAllText(program, $"#!/bin/sh\n(IFS='|'; echo \"$*\") >> {calls}\n{then}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{programs}:{Environment.GetEnvironmentVariable("PATH")}");
        return calls;
    }
}
