using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Globalization;
using System.Text;
using Hive.Common.Errors;
using Hive.Common.Processes;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Where an agent runs on <c>nixos</c>, <c>meta/</c> is also the flake that its container is built from:
/// <c>flake.nix</c>, written from the swarm's lock, pins an input for each such agent and for each
/// of its inputs, and <c>nix</c> writes the <c>flake.lock</c> that goes with it. The swarm's lock stays what is true.
/// </summary>
internal sealed class NixFlake(IRoster roster, HivePaths paths)
{
    public const string FileName = "flake.nix",
        LockName = "flake.lock";

    private const string Runtime = "nixos";
    private const string Program = "nix";
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, string> expected = new();

    /// <summary>An agent is being made and will have this runtime; it is locked before it is on the roster.</summary>
    public void Expect(string agent, string agentRuntime) => expected[agent] = agentRuntime;

    /// <summary>Writes both files into <c>meta/</c> where an agent runs on nixos; else both are gone.</summary>
    /// <returns>True when there is a flake.</returns>
    /// <exception cref="Problem">nix is missing, or refuses it; the message holds what it said.</exception>
    public async Task<bool> Write(string meta, ImmutableSortedDictionary<string, LockedAgent> agents)
    {
        var (flake, flakeLock) = (Path.Combine(meta, FileName), Path.Combine(meta, LockName));
        var text = Text(agents);
        if (text is null)
        {
            File.Delete(flake);
            File.Delete(flakeLock);
            return false;
        }

        if (File.Exists(flake) && File.Exists(flakeLock) && await File.ReadAllTextAsync(flake) == text)
            return true;
        var before = File.Exists(flake) ? await File.ReadAllTextAsync(flake) : null;
        await File.WriteAllTextAsync(flake, text);
        try
        {
            // By a path, so that what is not committed yet is seen too.
            await Run("--extra-experimental-features", "nix-command flakes", "flake", "lock", "path:" + meta);
        }
        catch
        {
            if (before is null)
                File.Delete(flake);
            else
                await File.WriteAllTextAsync(flake, before);
            throw;
        }

        return true;
    }

    /// <summary>The flake of the agents that run on nixos; null when there are none.</summary>
    private string? Text(ImmutableSortedDictionary<string, LockedAgent> agents)
    {
        var own = agents
            .Where(a => (roster.Find(a.Key)?.Runtime ?? expected.GetValueOrDefault(a.Key)) == Runtime)
            .ToArray();
        if (own.Length == 0)
            return null;
        var inputs = new StringBuilder();
        var machines = new StringBuilder();
        foreach (var (name, agent) in own)
        {
            Input(
                inputs,
                $"agent-{name}",
                $"git+file://{Path.Combine(paths.DataDir, "applied", name)}?rev={agent.Commit}"
            );
            foreach (var (input, locked) in agent.Inputs)
                Input(
                    inputs,
                    $"agent-{name}-{input}",
                    $"{Url(locked.Url)}?rev={locked.Rev}{(locked.Ref is { } reference ? $"&ref={Uri.EscapeDataString(reference)}" : "")}&shallow=1"
                );
            machines.Append(
                CultureInfo.InvariantCulture,
                $"    nixosConfigurations.{name} = inputs.nixpkgs.lib.nixosSystem {{\n      specialArgs = {{ inherit inputs; }};\n      modules = [ harness {{ networking.hostName = \"{name}\"; }} ] ++ own \"${{inputs.agent-{name}}}/agent.nix\";\n    }};\n"
            );
        }

        return $$"""
            # Written by Hive from swarm.lock, with every deploy.
            {
              inputs.nixpkgs.url = "nixpkgs";
            {{inputs}}
              outputs = inputs: let
                # The container lives as long as its harness, so that an agent that has died does not look alive.
                harness = {
                  boot.isContainer = true;
                  systemd.services.hive-agent = {
                    wantedBy = [ "multi-user.target" ];
                    serviceConfig = { EnvironmentFile = "/run/hive/harness.env"; ExecStart = "/opt/hive/hive-agent $HIVE_ARGUMENTS"; };
                    unitConfig = { SuccessAction = "exit"; FailureAction = "exit"; };
                  };
                  programs.nix-ld.enable = true;
                };
                own = file: if builtins.pathExists file then [ file ] else [ ];
              in {
            {{machines}}  };
            }

            """;
    }

    private static void Input(StringBuilder text, string name, string url) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"  inputs.{name} = {{ flake = false; url = \"{Escaped(url)}\"; }};\n"
        );

    private static string Url(string url) => url.StartsWith('/') ? "git+file://" + url : "git+" + url;

    // As Nix reads a string: nothing in it is looked at again.
    private static string Escaped(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("${", "\\${", StringComparison.Ordinal);

    private static async Task Run(params string[] arguments)
    {
        try
        {
            var result = await ProgramRunner.Run(
                new ProgramCall([Program, .. arguments]) { TimeLimit = TimeLimit },
                CancellationToken.None
            );
            if (result.ExitCode != 0)
                throw Problem.Invalid($"nix flake lock: {string.Join("; ", result.LastErrors(4))}");
        }
        catch (TimeoutException e)
        {
            throw Problem.Unavailable($"nix flake lock did not end within {TimeLimit.TotalMinutes:0} minutes", e);
        }
        catch (Win32Exception e)
        {
            throw Problem.Unavailable(
                $"nix cannot be run: {e.Message}. Agents on nixos are built by it; install it, or give them another runtime",
                e
            );
        }
    }
}
