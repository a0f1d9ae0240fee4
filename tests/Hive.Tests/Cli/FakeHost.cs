using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>A host socket with prepared answers, so that the command's output does not depend on a clock or on what
/// else a host does.</summary>
internal sealed class FakeHost : IAsyncDisposable
{
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Func<string, JsonElement, object?> answer;
    private readonly Task accepting;

    /// <summary>Listens in a run folder.</summary>
    /// <param name="runDir">The folder; created when it is missing.</param>
    /// <param name="answer">The fields of the answer to a command; a <see cref="HiveException"/> for a refusal, null
    /// for no answer at all, an array for several lines, after which the connection is closed.</param>
    /// <param name="listensAs">The user as whom it listens, which only root can choose; null for this one.</param>
    public FakeHost(string runDir, Func<string, JsonElement, object?> answer, uint? listensAs = null)
    {
        this.answer = answer;
        Directory.CreateDirectory(runDir);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(runDir, "host.sock")));
        if (listensAs is { } user)
            ListenAs(user);
        else
            listener.Listen(64);
        accepting = Accept();
    }

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        await accepting;
    }

    // The bare call changes one thread, which ends with it.
    private void ListenAs(uint user)
    {
        var call = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;
        var result = -1L;
        var thread = new Thread(() =>
        {
            result = Syscall(call, uint.MaxValue, user, uint.MaxValue);
            listener.Listen(64);
        });
        thread.Start();
        thread.Join();
        Assert.Equal(0, result);
    }

    // setresuid(2).
    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long Syscall(long number, long real, long effective, long saved);

    private async Task Accept()
    {
        try
        {
            while (true)
                _ = Serve(await listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task Serve(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                var request = JsonElement.Parse(line);
                var fields = answer(request.GetProperty("cmd").GetString()!, request);
                foreach (
                    var one in fields is object[] lines ? lines
                    : fields is null ? []
                    : [fields]
                )
                    await stream.WriteAsync(Encoding.UTF8.GetBytes(Line(one) + "\n"));
                if (fields is object[])
                    return;
            }
        }
        catch (IOException)
        {
            // The command has gone.
        }
    }

    private static string Line(object fields)
    {
        var line = new JsonObject { ["version"] = 1, ["ok"] = fields is not HiveException };
        if (fields is HiveException refusal)
        {
            line["error"] = refusal.Message;
            line["code"] = refusal.Code;
            return line.ToJsonString();
        }

        foreach (var (name, value) in (JsonObject)JsonSerializer.SerializeToNode(fields, WireJson.Options)!)
            line[name] = value?.DeepClone();
        return line.ToJsonString();
    }
}
