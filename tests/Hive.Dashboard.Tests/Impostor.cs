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
    private readonly HttpClient? relay;

    /// <param name="url">The address.</param>
    /// <param name="knowsKey">It claims to know every key.</param>
    /// <param name="relayTo">The real host, which answers everything through it; null for answers of its own.</param>
    public Impostor(string url, bool knowsKey = true, string? relayTo = null)
    {
        relay = relayTo is null ? null : new HttpClient { BaseAddress = new Uri(relayTo) };
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

    public void Dispose()
    {
        listener.Close();
        relay?.Dispose();
    }

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
            using var reader = new StreamReader(request.InputStream);
            var body = await reader.ReadToEndAsync();
            requests.Enqueue($"{request.HttpMethod} {request.RawUrl}\n{request.Headers}\n{body}");
            context.Response.ContentType = "application/json";
            var answered = relay is null ? Encoding.UTF8.GetBytes(answer) : await Relay(context, body);
            context.Response.Close(answered, willBlock: false);
        }
    }

    // With the headers of the page, its name of the host and its origin among them.
    private async Task<byte[]> Relay(HttpListenerContext context, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), context.Request.RawUrl);
        if (body.Length > 0)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var name in context.Request.Headers.AllKeys.OfType<string>())
        {
            if (!name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
                request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name]);
        }

        using var response = await relay!.SendAsync(request);
        context.Response.StatusCode = (int)response.StatusCode;
        return await response.Content.ReadAsByteArrayAsync();
    }
}
