// 0 Set the parameters
:params { principal: '', address: '', keyId: '', eventId: '' }
