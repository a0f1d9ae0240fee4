using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Hive.Tests.Fixture;

/// <summary>Runs the stand-in for a client's model (<c>tests/clients/model.mjs</c>) on its own loopback port.</summary>
internal sealed class ModelStandIn : IDisposable
{
    private readonly Process process;

    private ModelStandIn(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public Uri Address => new($"http://127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Starts a model that follows these steps, which model.mjs describes.</summary>
    /// <param name="kind"><c>anthropic</c> or <c>openai</c>.</param>
    /// <param name="steps">Its answers, one step for each request.</param>
    public static async Task<ModelStandIn> StartAsync(string kind, params object[] steps)
    {
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardOutput = true,
            WorkingDirectory = TestClients.Folder,
        };
        foreach (var argument in (string[])["model.mjs", kind, JsonSerializer.Serialize(steps)])
            start.ArgumentList.Add(argument);
        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        var process = Process.Start(start)!;
        var port = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        return new ModelStandIn(process, int.Parse(port!, CultureInfo.InvariantCulture));
    }

    /// <summary>The next request of the conversation, as the client sent it.</summary>
    public async Task<JsonElement> RequestAsync()
    {
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        return JsonElement.Parse(line ?? throw new InvalidOperationException("the stand-in for the model has exited"));
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
