using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Hive.Dashboard.Tests;

/// <summary>Another program at the host's address: it answers every request, and records it.</summary>
internal sealed class Impostor : IDisposable
{
    private readonly HttpListener listener = new();
    private readonly ConcurrentQueue<string> requests = new();
    private readonly string answer;

    public Impostor(string url, bool knowsKey = true)
    {
        answer = JsonSerializer.Serialize(
            new
            {
                known = knowsKey,
                run = "mine",
                proof = "a guess",
                key = "mine",
            }
        );
        listener.Prefixes.Add($"{url}/");
        listener.Start();
        _ = AnswerAsync();
    }

    /// <summary>Every request whole, headers and body.</summary>
    public IReadOnlyCollection<string> Requests => requests;

    public void Dispose() => listener.Close();

    private async Task AnswerAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var request = context.Request;
            using var body = new StreamReader(request.InputStream);
            requests.Enqueue(
                $"{request.HttpMethod} {request.RawUrl}\n{request.Headers}\n{await body.ReadToEndAsync()}"
            );
            context.Response.ContentType = "application/json";
            context.Response.Close(Encoding.UTF8.GetBytes(answer), willBlock: false);
        }
    }
}
