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
/// Writes the flake that the containers of agents on <c>nixos</c> are built from: <c>flake.nix</c> in <c>meta/</c> pins
/// each such agent and each of its inputs, and <c>nix</c> writes the <c>flake.lock</c>. The swarm's lock stays
/// authoritative.
/// </summary>
internal sealed class NixFlake(IRoster roster, HivePaths paths)
{
    public const string FileName = "flake.nix",
        LockName = "flake.lock";

    private const string Runtime = "nixos";
    private const string Program = "nix";
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(5);

    // The inputs that agents name decide how much it needs. Its collector reserves more address space than it uses.
    private const long MaxMemoryBytes = 8L << 30;

    private readonly ConcurrentDictionary<string, string> expected = new();

    /// <summary>
    /// Announces the runtime of an agent that is being spawned, because it is locked before it is on the roster.
    /// </summary>
    public void Expect(string agent, string agentRuntime) => expected[agent] = agentRuntime;

    /// <summary>Writes both files into <c>meta/</c> if an agent runs on nixos; otherwise deletes them.</summary>
    /// <returns>True when the flake was written.</returns>
    /// <exception cref="Problem">nix is missing or failed; the message holds its output.</exception>
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
            // A path reference, so that nix also sees files that are not committed yet.
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

    /// <summary>The flake of the agents that run on nixos; null when no agent does.</summary>
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
            {
                var reference = locked.Ref is null ? "" : $"&ref={Uri.EscapeDataString(locked.Ref)}";
                Input(inputs, $"agent-{name}-{input}", $"{Url(locked.Url)}?rev={locked.Rev}{reference}&shallow=1");
            }

            machines.Append(
                CultureInfo.InvariantCulture,
                $$"""
                    nixosConfigurations.{{name}} = inputs.nixpkgs.lib.nixosSystem {
                      specialArgs = { inherit inputs; };
                      modules = [ harness { networking.hostName = "{{name}}"; } ]
                        ++ own "${inputs.agent-{{name}}}/agent.nix";
                    };

                """
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
                    serviceConfig = {
                      EnvironmentFile = "/run/hive/harness.env";
                      ExecStart = "/opt/hive/hive-agent $HIVE_ARGUMENTS";
                    };
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

    // Escapes a text for a Nix string.
    private static string Escaped(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("${", "\\${", StringComparison.Ordinal);

    private static async Task Run(params string[] arguments)
    {
        try
        {
            var result = await ProgramRunner.Run(
                new ProgramCall([Program, .. arguments]) { TimeLimit = TimeLimit, MaxMemoryBytes = MaxMemoryBytes },
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
                $"nix cannot be run: {e.Message}. Agents on nixos are built by it; install it, or give them "
                    + "another runtime",
                e
            );
        }
    }
}
