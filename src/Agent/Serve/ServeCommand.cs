using System.CommandLine;
using Hive.Agent.Drivers;

namespace Hive.Agent.Serve;

/// <summary><c>hive-agent serve</c>: runs turns until stopped.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var socket = AgentSocket.Option();
        var driver = new Option<string?>("--driver")
        {
            Description = $"The driver of turns. Default: `driver` in {AgentSettings.FileName} beside the socket.",
            HelpName = "NAME",
        };
        var command = new Command("serve", "Receive messages and run turns with the agent's driver.")
        {
            socket,
            driver,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(socket)!, parsed.GetValue(driver)));
        return command;
    }

    private static async Task<int> RunAsync(string socket, string? driver)
    {
        var log = new Log(Console.Out, TimeProvider.System);
        using var signal = new StopSignal();
        try
        {
            socket = Path.GetFullPath(socket);
            var settings = AgentSettings.Read(Path.GetDirectoryName(socket)!, log);
            if (driver is not null)
                settings = settings with { Driver = driver };
            var stateDir = Environment.GetEnvironmentVariable("HIVE_STATE_DIR") is { Length: > 0 } folder
                ? folder
                : null;
            // Set here and not when the container is created: every user can read a command line, which must not hold
            // keys, and an agent's variables must not affect the program that starts the container.
            foreach (var (name, value) in settings.Environment)
                Environment.SetEnvironmentVariable(name, value);
            log.Info($"hive-agent {AgentVersion.Text}");
            using var proxy = ProxyForward.Begin(log);
            while (!signal.Token.IsCancellationRequested)
            {
                settings = DriverCatalog.Choose(settings);
                await using var loop = new TurnLoop(socket, settings, stateDir, log, TimeProvider.System);
                await loop.RunAsync(signal.Token);
            }

            return 0;
        }
        catch (AgentGoneException e)
        {
            // Nobody will stop this process, so it ends on its own.
            log.Info(e.Message);
            return 0;
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            log.Error(e.Message);
            return 1;
        }
    }
}
