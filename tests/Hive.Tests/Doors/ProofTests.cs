using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Doors;

/// <summary>Proofs of keys and masked keys; the test computes what the page computes.</summary>
public sealed class ProofTests
{
    private const string Nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    [Fact]
    public async Task The_host_proves_each_known_key_for_the_origin_and_nonce_of_the_request()
    {
        await using var hive = await HiveFixture.Start();
        var code = await Code(hive);
        foreach (var key in new[] { hive.Token, await Exchange(hive, await Code(hive)), code })
        {
            var proof = await Proof(hive, Id(key));
            Assert.True(proof.GetProperty("known").GetBoolean());
            Assert.Equal(Expected(key, hive.Url, Run(proof), Nonce), proof.GetProperty("proof").GetString());
            Assert.NotEqual(
                Expected(key, "http://elsewhere", Run(proof), Nonce),
                proof.GetProperty("proof").GetString()
            );
        }
    }

    [Fact]
    public async Task An_unknown_id_gets_an_answer_of_the_same_shape_that_proves_nothing()
    {
        await using var hive = await HiveFixture.Start();
        var proof = await Proof(hive, Id("no such key"));
        Assert.False(proof.GetProperty("known").GetBoolean());
        Assert.NotEqual(Expected("no such key", hive.Url, Run(proof), Nonce), proof.GetProperty("proof").GetString());
        Assert.Equal(
            (await Proof(hive, Id(hive.Token))).GetRawText().Length,
            proof.GetRawText().Length + "true".Length - "false".Length
        );
    }

    [Fact]
    public async Task A_relay_at_another_port_gets_a_proof_for_no_page()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        var relay = $"127.0.0.1:{new Uri(hive.Url).Port + 1}";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/session/proof");
        request.Headers.Host = relay;
        request.Headers.Add("Origin", $"http://{relay}");
        request.Content = JsonContent.Create(new { id = Id(hive.Token), nonce = Nonce });
        using var answer = await http.SendAsync(request);
        var proof = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.NotEqual(
            Expected(hive.Token, $"http://{relay}", Run(proof), Nonce),
            proof.GetProperty("proof").GetString()
        );
    }

    [Fact]
    public async Task A_session_key_cannot_open_another_session()
    {
        await using var hive = await HiveFixture.Start();
        var key = await Exchange(hive, await Code(hive));
        var run = Run(await Proof(hive, Id(key)));
        foreach (var code in new[] { key, Masked(key, run) })
        {
            using var refused = await hive.Http().PostAsJsonAsync("/api/session", new { code });
            await RestTests.IsProblem(refused, "forbidden");
        }

        Assert.NotEqual(key, await Exchange(hive, Masked(hive.Token, run)));
    }

    [Fact]
    public async Task The_id_of_an_ended_or_expired_key_is_unknown()
    {
        await using var hive = await HiveFixture.Start();
        var (ended, expired) = (await Exchange(hive, await Code(hive)), await Exchange(hive, await Code(hive)));
        using (await Signed(hive, ended).DeleteAsync("/api/session"))
            Assert.False((await Proof(hive, Id(ended))).GetProperty("known").GetBoolean());
        Assert.True((await Proof(hive, Id(expired))).GetProperty("known").GetBoolean());
        hive.Clock.Jump(TimeSpan.FromHours(12));
        Assert.False((await Proof(hive, Id(expired))).GetProperty("known").GetBoolean());
    }

    [Fact]
    public async Task Only_guesses_are_limited_and_nothing_is_logged()
    {
        await using var hive = await HiveFixture.Start("--Logging:LogLevel:Default", "Information");
        var log = hive.Log();
        for (var i = 0; i < 10; i++)
            await Proof(hive, Id($"guess {i}"));
        using (var answer = await Ask(hive, new { id = Id("one more"), nonce = Nonce }))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        for (var i = 0; i < 30; i++)
            Assert.True((await Proof(hive, Id(hive.Token))).GetProperty("known").GetBoolean());
        hive.Services.GetRequiredService<ILogger<ProofTests>>().LogInformation("the end");
        Assert.Equal("the end ", await log.Next(""));
    }

    [Theory]
    [InlineData("", Nonce)]
    [InlineData("ABCDEF", Nonce)]
    [InlineData("0123456789abcdef0123456789abcdeF", Nonce)]
    [InlineData("0123456789abcdef0123456789abcdef", "")]
    [InlineData("0123456789abcdef0123456789abcdef", "short")]
    [InlineData("0123456789abcdef0123456789abcdef", "with a line\nin it, so that it could stand for more")]
    public async Task A_malformed_question_is_refused(string id, string nonce)
    {
        var hive = await AllRows.Share([]);
        await RestTests.IsProblem(await Ask(hive, new { id, nonce }), "invalid");
    }

    [Fact]
    public async Task A_masked_key_works_like_the_key_but_only_in_this_run_of_the_host()
    {
        await using var hive = await HiveFixture.Start();
        var run = Run(await Proof(hive, Id(hive.Token)));
        var key = await Exchange(hive, Masked(await Code(hive), run));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, Masked(key, run)));
        Assert.Equal(HttpStatusCode.OK, await Asked(hive, Masked(hive.Token, run)));
        await hive.Restart();
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, Masked(key, run)));
        var next = Run(await Proof(hive, Id(key)));
        Assert.NotEqual(run, next);
        using (var ended = await Signed(hive, Masked(key, next)).DeleteAsync("/api/session"))
            Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, key));
    }

    [Fact]
    public async Task The_hash_of_a_key_does_not_open_anything()
    {
        await using var hive = await HiveFixture.Start();
        var run = Run(await Proof(hive, Id(hive.Token)));
        var hash = Hash(hive.Token);
        foreach (var guess in new[] { Convert.ToHexStringLower(hash), "", "\0" })
            Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, Masked(guess, run, hash)));
        var start = $"masked.{Id(hive.Token)}.";
        foreach (var broken in new[] { "masked.", "masked..", start, $"{start}***", $"{start}{new string('A', 400)}" })
            Assert.Equal(HttpStatusCode.Unauthorized, await Asked(hive, broken));
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static string Id(string key) => Id(Hash(key));

    private static string Id(byte[] hash) =>
        Convert.ToHexStringLower(SHA256.HashData([.. "hive key\n"u8, .. hash]))[..32];

    private static string Expected(string key, string origin, string run, string nonce) =>
        Base64Url.EncodeToString(
            HMACSHA256.HashData(Hash(key), Encoding.UTF8.GetBytes($"hive proof\n{origin}\n{run}\n{nonce}"))
        );

    private static string Masked(string key, string run) => Masked(key, run, Hash(key));

    private static string Masked(string key, string run, byte[] hash)
    {
        var text = Encoding.UTF8.GetBytes(key);
        if (text.Length == 0)
            return $"masked.{Id(hash)}.";
        var mask = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            hash,
            text.Length,
            Encoding.UTF8.GetBytes(run),
            "hive mask"u8.ToArray()
        );
        return $"masked.{Id(hash)}.{Base64Url.EncodeToString(text.Zip(mask, (a, b) => (byte)(a ^ b)).ToArray())}";
    }

    private static string Run(JsonElement proof) => proof.GetProperty("run").GetString()!;

    private static async Task<JsonElement> Proof(HiveFixture hive, string id)
    {
        using var answer = await Ask(hive, new { id, nonce = Nonce });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<HttpResponseMessage> Ask(HiveFixture hive, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/session/proof")
        {
            Content = JsonContent.Create(body),
        };
        request.Headers.Add("Origin", hive.Url);
        return await hive.Http(signedIn: false).SendAsync(request);
    }

    private static async Task<string> Code(HiveFixture hive) =>
        (await (await hive.Operator()).CallAsync("open_link")).GetProperty("url").GetString()!.Split("/#login=")[1];

    private static async Task<string> Exchange(HiveFixture hive, string code)
    {
        using var answer = await hive.Http(signedIn: false).PostAsync("/api/session", JsonContent.Create(new { code }));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
    }

    private static HttpClient Signed(HiveFixture hive, string key)
    {
        var http = hive.Http(signedIn: false);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    private static async Task<HttpStatusCode> Asked(HiveFixture hive, string key)
    {
        using var answer = await Signed(hive, key).GetAsync("/api/state");
        return answer.StatusCode;
    }
}
