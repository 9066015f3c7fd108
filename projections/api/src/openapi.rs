//! The API's description of itself, OpenAPI 3.1.

use serde_json::{Value, json};

/// The API's description of itself, OpenAPI 3.1: what `/api/openapi.json` serves.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Shikaku Hub",
            "description": "資格確認ハブ / hub of qualification facts. Everything under /api/ and /fhir/ needs a sign-in.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "browser": [] }],
        "paths": {
            "/healthz": open("Whether the process answers", "text/plain", json!({ "type": "string" })),
            "/readyz": readyz(),
            "/metrics": open("Prometheus metrics, without personal data", "text/plain", json!({ "type": "string" })),
            "/api/openapi.json": open("This document", "application/json", json!({ "type": "object" })),
        },
        "components": {
            "securitySchemes": {
                "browser": { "type": "apiKey", "in": "cookie", "name": crate::sign_in::COOKIE },
            },
            "responses": {
                "Problem": {
                    "description": "A refusal (RFC 9457)",
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                },
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": { "type": "string", "format": "uri-reference" },
                        "title": { "type": "string" },
                        "status": { "type": "integer" },
                        "detail": { "type": "string" },
                    },
                },
                "Readiness": {
                    "type": "object",
                    "required": ["ready", "parts"],
                    "properties": {
                        "ready": { "type": "boolean" },
                        "parts": { "type": "object", "additionalProperties": { "type": "boolean" } },
                    },
                },
            },
        },
    })
}

fn open(summary: &str, media: &str, schema: Value) -> Value {
    json!({ "get": {
        "summary": summary,
        "security": [],
        "responses": {
            "200": { "description": summary, "content": { media: { "schema": schema } } },
            "405": { "$ref": "#/components/responses/Problem" },
        },
    } })
}

fn readyz() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Readiness" });
    let answer = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
    json!({ "get": {
        "summary": "Whether every part can serve",
        "security": [],
        "responses": { "200": answer("Every part can serve"), "503": answer("Some part can't serve yet") },
    } })
}
