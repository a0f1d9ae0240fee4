using System.Diagnostics;
using System.Text.Json;

namespace Hive.Agent.Tests;

/// <summary>A client of the bridge that reads and writes raw lines.</summary>
internal sealed class RawMcp : IDisposable
{
    private readonly Process process;
    private long last;
    private string begun = "";

    private RawMcp(Process process) => this.process = process;

    public static async Task<RawMcp> StartAsync(string socket, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(AgentProcess.Program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var argument in (string[])["mcp", "--socket", socket])
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in AgentProcess.Environment.Select(e => (e.Key, e.Value)).Concat(environment))
            start.Environment[name] = value;
        var client = new RawMcp(Process.Start(start)!);
        client.Request(
            "initialize",
            """{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}"""
        );
        await client.ReadAsync();
        client.Notify("notifications/initialized", "{}");
        return client;
    }

    public static string Text(JsonElement answer) =>
        answer.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString()!;

    /// <summary>Sends a request and returns its id.</summary>
    public long Request(string method, string parameters)
    {
        Write($$"""{"jsonrpc":"2.0","id":{{++last}},"method":"{{method}}","params":{{parameters}}}""");
        return last;
    }

    public void Notify(string method, string parameters) =>
        Write($$"""{"jsonrpc":"2.0","method":"{{method}}","params":{{parameters}}}""");

    /// <summary>Calls a tool with progress reports and returns the request's id.</summary>
    public long Send(string tool, string arguments) =>
        Request(
            "tools/call",
            $$$"""{"name":"{{{tool}}}","arguments":{{{arguments}}},"_meta":{"progressToken":{{{last + 1}}}}}"""
        );

    /// <summary>Reads the answer of a tool.</summary>
    public async Task<JsonElement> CallAsync(string tool, string arguments)
    {
        var call = Send(tool, arguments);
        var answer = await ReadAsync();
        Assert.Equal(call, answer.GetProperty("id").GetInt64());
        return answer;
    }

    /// <summary>Reads the next line, which is one message.</summary>
    public async Task<JsonElement> ReadAsync()
    {
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        (line, begun) = (begun + line, "");
        return JsonElement.Parse(line.Length > 0 ? line : throw new InvalidOperationException("the bridge has ended"));
    }

    /// <summary>Reads the first character of the next line, while the bridge writes it.</summary>
    public async Task BeginAsync()
    {
        var first = new char[1];
        await process.StandardOutput.ReadAsync(first, TestContext.Current.CancellationToken);
        begun = new string(first);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private void Write(string line)
    {
        process.StandardInput.Write(line + "\n");
        process.StandardInput.Flush();
    }
}
