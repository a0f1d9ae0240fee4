using System.Net;
using System.Net.Sockets;
using Hive.Tests.Cli;

namespace Hive.Tests.Containers;

/// <summary>Tests that a host that cannot listen reports this before it has started anything.</summary>
public sealed class NothingStartedTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-busy-").FullName;

    public void Dispose()
    {
        Fleet.EndAll(folder);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_port_in_use_is_found_before_any_agent_is_created()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await Refused($"http://{other.LocalEndpoint}", "run", $"http://{other.LocalEndpoint}", "--urls");
    }

    [Fact]
    public async Task One_address_in_use_of_several_prevents_the_start()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await Refused($"http://127.0.0.1:0;http://localhost:{port}", "run", "localhost", "--urls");
    }

    [Fact]
    public async Task A_run_folder_with_too_long_a_path_is_found_before_any_agent_is_created() =>
        await Refused("http://127.0.0.1:0", new string('r', 100), "107 bytes", "--run-dir");

    private async Task Refused(string urls, string run, params string[] says)
    {
        var data = Path.Combine(folder, "data");
        string[] flags =
        [
            "--DataDir",
            data,
            "--RunDir",
            Path.Combine(folder, run),
            "--Urls",
            urls,
            "--Runtime",
            "process",
        ];
        using var host = Built.Start(Built.Host, flags);
        var error = await host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();

        Assert.Equal(1, host.ExitCode);
        Assert.All(says, text => Assert.Contains(text, error, StringComparison.Ordinal));
        Assert.False(Directory.Exists(Path.Combine(data, "agents")));
        Assert.Empty(Fleet.Processes(folder));
    }
}
