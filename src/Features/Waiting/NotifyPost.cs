using System.Net.Http.Json;
using System.Text;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hive.Features.Waiting;

/// <summary>Sends one request to the address of <c>Notify:Url</c>. Redirects are not followed, and the text of an
/// answer is not read.</summary>
internal sealed class NotifyPost : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // A request under way may still succeed while the host stops. Otherwise the next host would send it again.
    private static readonly TimeSpan PatienceAtStop = TimeSpan.FromSeconds(2);

    private readonly NotifyOptions options;
    private readonly IServer server;
    private readonly TimeProvider clock;
    private readonly HttpClient http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Patience,
            // A request on a connection that was kept open can be sent twice: the client repeats it if the other end
            // has closed the connection in the meantime.
            PooledConnectionLifetime = TimeSpan.Zero,
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public NotifyPost(HiveOptions options, IServer server, TimeProvider clock)
    {
        (this.options, this.server, this.clock) = (options.Notify, server, clock);
        http.DefaultRequestHeaders.UserAgent.ParseAdd("Hive");
    }

    public void Dispose() => http.Dispose();

    /// <summary>Tells that a row waits.</summary>
    /// <returns>Null when the address accepted it, else why not, without the address and what was sent.</returns>
    public async Task<string?> Send(WaitingView row, CancellationToken stopping)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        using var stop = new CancellationTokenSource();
        await using var stops = stopping.Register(() => stop.CancelAfter(PatienceAtStop));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop.Token);
        try
        {
            using var request = Request(row);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)answer.StatusCode;
            return answer.IsSuccessStatusCode ? null
                : status is >= 300 and < 400
                    ? $"it answered {status}, a redirect, which is not followed; set Notify:Url to the final address"
                : $"it answered {status}";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"it did not answer within {Patience.TotalSeconds:0} s";
        }
        catch (HttpRequestException e)
        {
            // The exception's own text may repeat the address.
            return e.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "its name cannot be resolved",
                HttpRequestError.SecureConnectionError => "its certificate is not valid, or it does not speak TLS",
                HttpRequestError.ConnectionError => "no connection to it is possible",
                var other => $"the request failed ({other})",
            };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return $"the request failed ({e.GetType().Name})";
        }
    }

    private HttpRequestMessage Request(WaitingView row)
    {
        var link = Link(row);
        var title = Title(row);
        var body = options.Bodies ? VisibleText.OneLine(row.Title) : null;
        var detail = options.Bodies && row.Detail is not null ? VisibleText.Lines(row.Detail) : null;
        var text = detail is null ? body : $"{body}\n{detail}";
        var request = new HttpRequestMessage(HttpMethod.Post, options.Url);
        switch (options.Format)
        {
            case "ntfy":
                request.Content = new StringContent(text ?? title, Encoding.UTF8);
                if (text is not null)
                    request.Headers.Add("Title", title);
                request.Headers.Add("Click", link);
                request.Headers.Add("Priority", "high");
                break;
            case "slack":
                request.Content = JsonContent.Create(
                    new { text = $"<{link}|{title}>{(text is null ? "" : $"\n{Escaped(text)}")}" },
                    options: WireJson.Options
                );
                break;
            default:
                request.Content = JsonContent.Create(
                    new
                    {
                        row.Key,
                        row.Kind,
                        row.Id,
                        row.Agent,
                        row.SinceAt,
                        row.DeadlineAt,
                        title,
                        url = link,
                        body,
                        detail,
                    },
                    options: WireJson.Options
                );
                break;
        }

        return request;
    }

    // In ASCII, since it is the value of a header.
    private string Link(WaitingView row)
    {
        var page =
            options.Page
            ?? server
                .Features.Get<IServerAddressesFeature>()
                ?.Addresses.FirstOrDefault(a => !a.StartsWith("http://unix:", StringComparison.OrdinalIgnoreCase))
                ?.Replace("[::]", "[::1]", StringComparison.Ordinal)
                .Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)
            ?? HiveOptions.DefaultUrl;
        var link = new UriBuilder(page.TrimEnd('/') + row.Url);
        link.Host = link.Uri.IdnHost;
        return link.Uri.AbsoluteUri;
    }

    // Of the host's own words and the agent's name only: neither is an agent's text.
    private static string Title(WaitingView row)
    {
        var kind = row.Kind.Replace('_', ' ');
        return row.Agent is { } agent ? $"{kind} of {agent} waits for you" : $"{kind} waits for you";
    }

    private static string Escaped(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
}
