using System.Net.Http.Json;
using System.Text;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hive.Features.Waiting;

/// <summary>Sends one request to the address of <c>Notify:Url</c>. Redirects are not followed, because what waits would
/// go elsewhere; an answer's text is not read.</summary>
internal sealed class NotifyPost : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly NotifyOptions options;
    private readonly IServer server;
    private readonly TimeProvider clock;
    private readonly HttpClient http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Patience,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
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

    /// <summary>Tells that these rows wait.</summary>
    /// <returns>Null when the address accepted it, else why not, without the address and what was sent.</returns>
    public async Task<string?> Send(IReadOnlyList<WaitingView> rows, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            using var request = Request(rows);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)answer.StatusCode;
            return answer.IsSuccessStatusCode ? null
                : status is >= 300 and < 400
                    ? $"it answered {status}, a redirect, which is not followed; set Notify:Url to the final address"
                : $"it answered {status}";
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return $"it did not answer within {Patience.TotalSeconds:0} s";
        }
        catch (HttpRequestException e)
        {
            // The exception's own text may repeat the address.
            return e.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "its name is not known",
                HttpRequestError.SecureConnectionError => "its certificate is not valid",
                HttpRequestError.ConnectionError => "no connection to it is possible",
                var other => $"the request failed ({other})",
            };
        }
    }

    private HttpRequestMessage Request(IReadOnlyList<WaitingView> rows)
    {
        var link = Page() + (rows.Count == 1 ? $"/waiting/{rows[0].Key}" : "/waiting");
        var title = rows.Count == 1 ? Title(rows[0]) : $"{rows.Count} things wait for you";
        var body = rows.Count == 1 && options.Bodies ? rows[0].Title : null;
        var request = new HttpRequestMessage(HttpMethod.Post, options.Url);
        switch (options.Format)
        {
            case "ntfy":
                request.Content = new StringContent(body ?? title, Encoding.UTF8);
                request.Headers.Add("Title", title);
                request.Headers.Add("Click", link);
                request.Headers.Add("Priority", "high");
                break;
            case "slack":
                var text = body is null ? title : $"{title}: {Escaped(body)}";
                request.Content = JsonContent.Create(new { text = $"{text} <{link}>" }, options: WireJson.Options);
                break;
            default:
                request.Content = JsonContent.Create(
                    new
                    {
                        text = title,
                        url = link,
                        waiting = rows.Select(row => options.Bodies ? row : row with { Title = "", Detail = null }),
                    },
                    options: WireJson.Options
                );
                break;
        }

        return request;
    }

    private string Page() =>
        (
            options.Page
            ?? server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()
            ?? HiveOptions.DefaultUrl
        ).TrimEnd('/');

    // Of the host's own words and the agent's name only, so that it fits into a header.
    private static string Title(WaitingView row) =>
        $"{row.Kind}{(row.Agent is { } agent ? $" of {agent}" : "")} waits for you";

    private static string Escaped(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
}
