using System.Net;
using Hive.Protocol;
using Hive.Tests.Cli;

namespace Hive.Tests.Common;

/// <summary>A host whose standard output is a pipe that nobody reads.</summary>
public sealed class UnreadOutputTests
{
    [Fact]
    public async Task A_full_pipe_behind_standard_output_blocks_no_request()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        using var host = Built.Start(
            Built.Host,
            [
                .. HostProcess.Arguments(folder),
                "--Logging:LogLevel:Default",
                "Trace",
                "--Logging:LogLevel:Microsoft",
                "Trace",
            ]
        );
        try
        {
            var run = Path.Combine(folder, "run");
            await RunningHive.AnswersAsync(run, host.WaitForExitAsync());
            using var socket = await LineClient.ConnectAsync(Path.Combine(run, "host.sock"));
            var url = (await socket.CallAsync("urls")).GetProperty("urls")[0].GetString()!;
            using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(1) };
            // Many more lines than the pipe and the logger's queue of 2,500 hold.
            for (var i = 0; i < 1_000; i++)
            {
                using var answer = await http.GetAsync("/health");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }

            await socket.CallAsync("list");
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
