using System.CommandLine;
using System.Text;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>Finds the agent's socket.</summary>
internal static class AgentSocket
{
    private const string InContainer = "/run/hive/agent.sock";

    public static Option<string> Option()
    {
        var option = new Option<string>("--socket")
        {
            Description = $"The agent's socket. Default: $HIVE_SOCKET, else {InContainer}.",
            HelpName = "PATH",
            DefaultValueFactory = _ =>
                Environment.GetEnvironmentVariable("HIVE_SOCKET") is { Length: > 0 } path ? path : InContainer,
        };
        option.Validators.Add(result =>
        {
            if (
                result.GetValueOrDefault<string>() is { } path
                && Encoding.UTF8.GetByteCount(Path.GetFullPath(path)) is > Limits.SocketPathBytes and var bytes
            )
                result.AddError(
                    $"the socket path has {bytes} bytes; the limit is {Limits.SocketPathBytes}; use a shorter folder"
                );
        });
        return option;
    }
}
